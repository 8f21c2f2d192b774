// Files and pictures of a form: sent as soon as they are chosen, with progress, and without leaving.
import { once } from "./once.js";

const SAVED = 200;

class FileField {
  constructor(box) {
    this.box = box;
    this.words = box.dataset;
    this.input = box.querySelector("input[type=file]");
    this.told = box.querySelector("[data-k-file-told]");
    this.sent = box.querySelector("[data-k-file-send]");
    this.remove = box.querySelector("[data-k-file-remove]");
    this.record = box.closest("form");
    this.sent.hidden = true;
    // The record's own form is not changed by this.
    for (const name of ["input", "change"]) {
      this.input.addEventListener(name, (event) => event.stopPropagation());
    }
    this.input.addEventListener("change", () => this.send());
    this.remove.addEventListener("click", (event) => {
      event.preventDefault();
      if (window.confirm(this.words.kConfirm)) this.post(`${this.words.kFile}/remove`, null, {});
    });
  }

  send() {
    const file = this.input.files[0];
    if (!file) return;
    this.post(this.words.kFile, file, {
      "Content-Type": file.type || "application/octet-stream",
      "X-File-Name": encodeURIComponent(file.name),
    });
  }

  post(address, body, headers) {
    const form = document.getElementById(`upload-${this.words.kOf}`);
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRF-Token", form.elements._token.value);
    request.setRequestHeader("X-Version", this.record.elements._version.value);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => this.showProgress(event, request));
    request.addEventListener("load", () => this.end(request));
    request.addEventListener("error", () => this.say(this.words.kFailed, true));
    request.addEventListener("abort", () => this.say(this.words.kFailed));
    this.say("");
    this.input.disabled = true;
    request.send(body ?? new Blob([]));
  }

  showProgress(event, request) {
    if (!event.lengthComputable || !event.total) return;
    const percent = Math.floor((100 * event.loaded) / event.total);
    if (!this.bar) {
      this.bar = document.createElement("progress");
      this.bar.className = "k-file__bar";
      this.bar.max = 100;
      const cancel = document.createElement("button");
      cancel.type = "button";
      cancel.className = "k-button k-button--quiet k-button--small";
      cancel.textContent = this.words.kCancel;
      cancel.addEventListener("click", () => request.abort());
      this.text = document.createElement("span");
      this.told.replaceChildren(this.bar, this.text, cancel);
    }
    this.bar.value = percent;
    this.bar.setAttribute("aria-label", this.words.kGoing.replace("%%", percent));
    if (percent % 25 === 0) this.text.textContent = this.words.kGoing.replace("%%", percent);
  }

  end(request) {
    const answer = request.response;
    if (request.status !== SAVED || !answer) {
      this.say(answer?.error ?? this.words.kFailed, true);
      return;
    }
    this.record.elements._version.value = answer.version;
    this.show(answer.name, answer.version);
    this.say(answer.name ? this.words.kDone : this.words.kRemoved);
  }

  show(name, version) {
    const link = this.box.querySelector("[data-k-file-link]");
    const image = this.box.querySelector("[data-k-file-image]");
    link.hidden = this.remove.hidden = !name;
    this.box.querySelector("[data-k-file-none]").hidden = Boolean(name);
    if (image && name) image.src = `${this.words.kFile}?size=small&version=${version}`;
    else if (image) image.removeAttribute("src");
    else this.box.querySelector("[data-k-file-name]").textContent = name;
  }

  say(text, isBad = false) {
    this.bar = null;
    this.input.disabled = false;
    this.input.value = "";
    this.input.setAttribute("aria-invalid", String(isBad));
    this.told.classList.toggle("is-bad", isBad);
    this.told.textContent = text;
  }
}

export function enhanceFiles() {
  for (const box of once("files", "[data-k-file]")) new FileField(box);
}
