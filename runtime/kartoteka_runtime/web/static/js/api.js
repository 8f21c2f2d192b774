// Shows the description of the Web API; its calls carry the token that the page has, if it has one.

const place = document.querySelector("[data-k-api]");
const ui = window.SwaggerUIBundle({
  url: place.dataset.kApi,
  domNode: place,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  syntaxHighlight: { activated: false },
  onComplete() {
    const token = place.dataset.kApiToken;
    if (token) {
      ui.preauthorizeApiKey("bearer", token);
    }
  },
});
