"""What is uploaded: whether its content is what its name and the browser say, and may be kept.

Three witnesses are heard: the extension, the type that the browser claims, and the first bytes.
What runs on somebody's machine or in a browser is refused whatever it is called.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from kartoteka.errors import KartotekaError

HEAD_BYTES = 4096  # of a file that ``check_upload`` wants to see
OCTETS = "application/octet-stream"

# Dataverse's list, which an organization may change. Source: reference crm, section 1.12.
BLOCKED_EXTENSIONS = frozenset(
    "ade adp app asa ashx asmx asp bas bat cdx cer chm class cmd com config cpl crt csh dll "
    "exe fxp hlp hta htm html htr htw ida idc idq inf ins isp its jar js jse ksh lnk mad maf "
    "mag mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz mht mhtml msc msh msh1 "
    "msh1xml msh2 msh2xml mshxml msi msp mst ops pcd pif prf prg printer pst reg rem scf scr "
    "sct shb shs shtm shtml soap stm svg svgz tmp url vb vbe vbs vsmacros vss vst vsw ws wsc "
    "wsf wsh xhtml xht xml xsl xslt"
    .split()
)  # fmt: skip
BLOCKED_TYPES = frozenset(
    {
        "application/javascript", "application/x-msdownload", "application/x-sh",
        "application/xhtml+xml", "application/x-shockwave-flash", "image/svg+xml",
        "text/html", "text/javascript", "text/xsl",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kind:
    media_type: str
    contents: frozenset[str]  # what the first bytes may be
    is_shown: bool = False  # whether a browser may show it rather than save it


def _kind(media_type: str, contents: str, *, is_shown: bool = False) -> _Kind:
    return _Kind(media_type, frozenset(contents.split()), is_shown)


_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
_KINDS: dict[str, _Kind] = {
    "pdf": _kind("application/pdf", "pdf"),
    "png": _kind("image/png", "png", is_shown=True),
    "jpg": _kind("image/jpeg", "jpeg", is_shown=True),
    "jpeg": _kind("image/jpeg", "jpeg", is_shown=True),
    "gif": _kind("image/gif", "gif", is_shown=True),
    "webp": _kind("image/webp", "webp", is_shown=True),
    "bmp": _kind("image/bmp", "bmp"),
    "tif": _kind("image/tiff", "tiff"),
    "tiff": _kind("image/tiff", "tiff"),
    "docx": _kind(f"{_OFFICE}wordprocessingml.document", "zip"),
    "xlsx": _kind(f"{_OFFICE}spreadsheetml.sheet", "zip"),
    "pptx": _kind(f"{_OFFICE}presentationml.presentation", "zip"),
    "odt": _kind(f"{_OPEN}text", "zip"),
    "ods": _kind(f"{_OPEN}spreadsheet", "zip"),
    "odp": _kind(f"{_OPEN}presentation", "zip"),
    "zip": _kind("application/zip", "zip"),
    "gz": _kind("application/gzip", "gzip"),
    "7z": _kind("application/x-7z-compressed", "7z"),
    "doc": _kind("application/msword", "ole rtf"),
    "xls": _kind("application/vnd.ms-excel", "ole"),
    "ppt": _kind("application/vnd.ms-powerpoint", "ole"),
    "msg": _kind("application/vnd.ms-outlook", "ole"),
    "rtf": _kind("application/rtf", "rtf"),
    "mp3": _kind("audio/mpeg", "mp3"),
    "wav": _kind("audio/wav", "wav"),
    "ogg": _kind("audio/ogg", "ogg"),
    "mp4": _kind("video/mp4", "mp4"),
    "mov": _kind("video/quicktime", "mp4"),
    "txt": _kind("text/plain", "text"),
    "md": _kind("text/markdown", "text"),
    "csv": _kind("text/csv", "text"),
    "json": _kind("application/json", "text"),
    "eml": _kind("message/rfc822", "text"),
    "ics": _kind("text/calendar", "text"),
    "vcf": _kind("text/vcard", "text"),
}
# What browsers claim where they know no better, or by another name of the same thing.
_VAGUE_TYPES = frozenset(
    {"", OCTETS, "application/vnd.ms-excel", "application/x-zip-compressed", "text/plain"}
)
_OTHER_NAMES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "audio/x-wav": "audio/wav"}

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"ID3", "mp3"),
    (b"OggS", "ogg"),
)
_PROGRAMS = (
    b"MZ", b"\x7fELF", b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!", b"\x00asm", b"dex\n", b"L\x00\x00\x00\x01\x14",
)  # fmt: skip
# What browsers take for a document of theirs. Source: WHATWG MIME sniffing, section 7.1.
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|svg|style|object|embed|link|meta|base|a\s|"
    rb"img|!--|\?xml|\?php|%)",
    re.IGNORECASE,
)
_WHITE = b"\t\n\x0c\r \xef\xbb\xbf\x00"  # with the byte order mark, and what is left of UTF-16
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069/\\:*?\"<>|]")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_MOST_LETTERS = 255
_EXTENSION = re.compile(r"[a-z0-9]{1,16}")


class UploadRefused(KartotekaError):
    """A file that is not kept; ``code`` is a message key with ``params``."""

    def __init__(self, code: str, **params: str) -> None:
        """Say why."""
        self.code = code
        self.params = params
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class CheckedUpload:
    """What a file is kept as; one that is not ``is_shown`` is sent as an attachment, always."""

    file_name: str
    media_type: str
    is_shown: bool


def check_upload(
    file_name: str,
    claimed_type: str,
    head: bytes,
    *,
    blocked_extensions: Collection[str] = BLOCKED_EXTENSIONS,
    blocked_types: Collection[str] = BLOCKED_TYPES,
    allowed_types: Collection[str] = (),
    allowed_extensions: Collection[str] = (),
) -> CheckedUpload:
    """Return what to keep a file as.

    Args:
        file_name: As the browser names it; folders before it are left out.
        claimed_type: The ``Content-Type`` of its part.
        head: Its first ``HEAD_BYTES``, or all of it when it is shorter.
        blocked_extensions: Those that are refused, in small letters without the dot.
        blocked_types: Media types that are refused.
        allowed_types: The only ones taken; none: all that are not blocked.
        allowed_extensions: The same of what names end in.

    Raises:
        UploadRefused: It is blocked, or is not what it is said to be.
    """
    name = check_file_name(file_name, blocked_extensions=blocked_extensions)
    extensions = list(_extensions(name))
    if allowed_extensions and (not extensions or extensions[0] not in allowed_extensions):
        allowed = ", ".join(sorted(allowed_extensions))
        raise UploadRefused("upload.not_allowed", name=name, allowed=allowed)
    claimed = claimed_type.partition(";")[0].strip().lower()[:100]
    claimed = _OTHER_NAMES.get(claimed, claimed)
    content = sniff(head[:HEAD_BYTES])
    if claimed in blocked_types or content in ("program", "markup"):
        raise UploadRefused("upload.blocked", name=name)
    kind = _KINDS.get(extensions[0]) if extensions else None
    media_type = kind.media_type if kind is not None else OCTETS
    if kind is not None and head and content not in kind.contents:
        raise UploadRefused("upload.other_content", name=name)
    if kind is not None and claimed not in _VAGUE_TYPES and not _is_alike(claimed, media_type):
        raise UploadRefused("upload.other_content", name=name)
    if allowed_types and media_type not in allowed_types:
        allowed = ", ".join(sorted(allowed_types))
        raise UploadRefused("upload.not_allowed", name=name, allowed=allowed)
    return CheckedUpload(name, media_type, kind is not None and kind.is_shown)


def check_file_name(
    file_name: str, *, blocked_extensions: Collection[str] = BLOCKED_EXTENSIONS
) -> str:
    """Return the name that a file may be given, whatever it holds.

    Raises:
        UploadRefused: Nothing is left of it, or files that are called so are not kept.
    """
    name = clean_file_name(file_name)
    if any(extension in blocked_extensions for extension in _extensions(name)):
        raise UploadRefused("upload.blocked", name=name)
    return name


def clean_file_name(name: str) -> str:
    """Return a name that is one on every system, without folders and without tricks.

    Raises:
        UploadRefused: Nothing is left of it.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    last = last.partition("::$")[0]  # a stream of NTFS, which is the file itself
    last = _FORBIDDEN.sub("_", last).strip(" .")
    if not last or _DEVICES.fullmatch(last):
        raise UploadRefused("upload.bad_name", name=last)
    if len(last) > _MOST_LETTERS:
        stem, dot, extension = last.rpartition(".")
        kept = dot + extension if dot and len(extension) <= 16 else ""
        last = (stem if kept else last)[: _MOST_LETTERS - len(kept)] + kept
    return last


def sniff(head: bytes) -> str:
    """Return what the first bytes are: a name of a kind, ``text``, ``markup``, ``program``, ``""``.

    The last one is what nobody knows.
    """
    if head.startswith(_PROGRAMS):
        return "program"
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"WAVE": "wav"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return "mp4"
    if _MARKUP.match(_without_order(head).lstrip(_WHITE)):
        return "markup"
    if _is_text(head):
        return "text"
    is_frame = head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xE6 in (0xE2, 0xE4, 0xE6)
    if is_frame:
        return "mp3"  # sound without a title before it
    return "text" if _is_text(head.rstrip(b"\x00")) else ""  # filled up with zeros at its end


def _without_order(head: bytes) -> bytes:
    """Return UTF-16 as the bytes of its Latin letters."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[2:].replace(b"\x00", b"")
    return head


def _is_text(head: bytes) -> bool:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    return not any(byte < 0x20 and byte not in (0x09, 0x0A, 0x0C, 0x0D, 0x1B) for byte in head)


def _extensions(name: str) -> Iterator[str]:
    """Yield the last extension, and those before it that a server might look at."""
    for part in reversed(name.lower().split(".")[1:]):
        part = part.strip()
        if not _EXTENSION.fullmatch(part):
            return
        yield part


def _is_alike(claimed: str, media_type: str) -> bool:
    """Return whether two types are the same, or two kinds of text, or two of the same package."""
    if claimed == media_type:
        return True
    families = ("text/", "audio/", "video/")
    if any(claimed.startswith(one) and media_type.startswith(one) for one in families):
        return True
    texts = {"application/json", "message/rfc822"}
    if media_type in texts:
        return claimed.startswith("text/")
    return media_type in ("application/rtf", "application/gzip", "application/zip") and (
        claimed.startswith(("application/", "text/rtf"))
    )
