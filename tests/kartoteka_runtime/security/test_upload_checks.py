"""Files are kept as what they are, or not at all."""

from __future__ import annotations

import pytest

from kartoteka_runtime.security.upload_checks import (
    CheckedUpload,
    UploadRefused,
    check_upload,
    clean_file_name,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
ZIP = b"PK\x03\x04" + bytes(20)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"


@pytest.mark.parametrize(
    ("name", "claimed", "head", "kept_as"),
    [
        ("photo.png", "image/png", PNG, "image/png"),
        ("PHOTO.JPG", "image/jpg", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("offer.pdf", "application/pdf; x=1", PDF, "application/pdf"),
        ("sheet.xlsx", "application/octet-stream", ZIP,
         "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("people.csv", "application/vnd.ms-excel", b"name;city\r\nZo\xc3\xab;Lisboa", "text/csv"),
        ("notes.txt", "", "Zażółć".encode("utf-16"), "text/plain"),
        ("notes.txt", "text/plain", "Zażółć".encode() + bytes(4000), "text/plain"),  # in blocks
        ("song.mp3", "audio/mpeg", b"\xff\xfb\x90\x64" + bytes(32), "audio/mpeg"),
        ("data.json", "text/plain", b'{"a": "<b>"}', "application/json"),
        ("plan.dwg", "image/vnd.dwg", b"AC1032\x00", "application/octet-stream"),
        ("README", "", b"read me", "application/octet-stream"),
    ],
)  # fmt: skip
def test_an_honest_file_is_kept(name, claimed, head, kept_as):
    assert check_upload(name, claimed, head).media_type == kept_as


@pytest.mark.parametrize(
    ("name", "claimed", "head"),
    [
        ("run.exe", "application/octet-stream", b"MZ\x90\x00"),
        ("photo.png", "image/png", b"MZ\x90\x00"),  # a program with another name
        ("notes.txt", "text/plain", b"#!/bin/sh\nrm -rf /"),
        ("unknown.abc", "application/octet-stream", b"\x7fELF\x02"),
        ("page.html", "text/html", b"<p>"),
        ("page.html.", "text/plain", b"x"),  # Windows drops the dot
        ("page.html::$DATA", "text/plain", b"x"),
        ("shell.php.exe .png", "image/png", PNG),  # a space before the last dot
        ("invoice.exe.txt", "text/plain", b"x"),
        ("photo.png", "image/png", b"  \r\n<!DOCTYPE html><script>alert(1)</script>"),
        ("notes.txt", "text/plain", b"\xef\xbb\xbf<script>alert(1)</script>"),
        ("notes.txt", "text/plain", "<html>".encode("utf-16")),
        ("notes.txt", "text/html", b"harmless"),
        ("logo.svg", "image/svg+xml", b"<svg onload=alert(1)>"),
        ("logo.png", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg'>"),
        ("photo.png", "image/png", PDF),
        ("photo.png", "application/pdf", PNG),
        ("offer.pdf", "application/pdf", ZIP),
        ("notes.txt", "text/plain", b"a\x00b"),
        ("macro.vbs", "", b"x"),
        ("exe.‮gnp.exe", "image/png", PNG),  # shown as exe.exe.png
    ],
)
def test_what_lies_or_runs_is_refused(name, claimed, head):
    with pytest.raises(UploadRefused):
        check_upload(name, claimed, head)


def test_an_organization_may_allow_a_few_types_alone():
    images = {"image/png", "image/jpeg"}
    assert check_upload("a.png", "image/png", PNG, allowed_types=images).is_shown
    with pytest.raises(UploadRefused):
        check_upload("a.pdf", "application/pdf", PDF, allowed_types=images)
    with pytest.raises(UploadRefused):
        check_upload("a.png", "image/png", PNG, blocked_extensions={"png"})


def test_only_pictures_are_shown_by_browsers():
    assert check_upload("a.png", "image/png", PNG) == CheckedUpload("a.png", "image/png", True)
    assert not check_upload("a.pdf", "application/pdf", PDF).is_shown


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\offer.pdf", "offer.pdf"),
        ("a\r\nSet-Cookie: x=1.txt", "a__Set-Cookie_ x=1.txt"),
        ('a"; filename="b.exe', "a__ filename=_b.exe".replace("__", "_;")),
        (" offer .pdf. ", "offer .pdf"),
        ("x" * 400 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_names_lose_their_tricks(name, clean):
    assert clean_file_name(name) == clean


@pytest.mark.parametrize("name", ["", " . ", "/", "nul", "COM1.txt", "con"])
def test_names_that_are_none_are_refused(name):
    with pytest.raises(UploadRefused):
        clean_file_name(name)
