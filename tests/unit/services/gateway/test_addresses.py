"""Which web addresses are allowed, whatever somebody writes to make another one look like them."""

import pytest

from services.gateway.domain.addresses import Address, AddressInvalid, AllowedAddresses

ALLOWED = AllowedAddresses.of("https://allowed.example/shop/, https://[2001:db8::1]:8443/, http://127.0.0.1:8080/a/")


@pytest.mark.parametrize(
    ("text", "requested"),
    [
        ("https://allowed.example/shop/a.yaml", "https://allowed.example:443/shop/a.yaml"),
        ("https://allowed.example/shop/", "https://allowed.example:443/shop/"),
        (
            "https://allowed.example/shop/a.yaml?ref=v1&x=%2e%2e",
            "https://allowed.example:443/shop/a.yaml?ref=v1&x=%2e%2e",
        ),
        ("HTTPS://ALLOWED.Example:443/shop/A.yaml", "https://allowed.example:443/shop/A.yaml"),
        ("https://allowed.example:/shop/a.yaml", "https://allowed.example:443/shop/a.yaml"),
        ("https://allowed.example/shop/a%20b...yaml", "https://allowed.example:443/shop/a%20b...yaml"),
        ("https://allowed.example/shop/@v1/a.yaml", "https://allowed.example:443/shop/@v1/a.yaml"),
        ("https://[2001:DB8:0::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("http://127.0.0.1:8080/a/b", "http://127.0.0.1:8080/a/b"),
    ],
)
def test_address_under_a_prefix_is_requested_as_it_was_compared(text: str, requested: str) -> None:
    address = Address.read(text)

    assert ALLOWED.allow(address)
    assert str(address) == requested


@pytest.mark.parametrize(
    "text",
    [
        "https://allowed.example.evil/shop/a.yaml",
        "https://evil.example/shop/a.yaml",
        "https://evil.allowed.example/shop/a.yaml",
        "https://allowed.example:8443/shop/a.yaml",
        "https://allowed.example:80/shop/a.yaml",
        "http://allowed.example/shop/a.yaml",
        "http://allowed.example:443/shop/a.yaml",
        "https://allowed.example/shop",
        "https://allowed.example/shop-of-others/a.yaml",
        "https://allowed.example/SHOP/a.yaml",
        "https://allowed.example//shop/a.yaml",
        "https://allowed.example/s%68op/a.yaml",
        "https://allowed.example",
        "https://allowed.example?/shop/a.yaml",
        "https://127.0.0.1:8080/a/b",
        "http://127.0.0.1/a/b",
        "http://localhost:8080/a/b",
        "http://2130706433:8080/a/b",
        "http://0x7f.1:8080/a/b",
        "http://[::1]:8080/a/b",
        "http://[::ffff:127.0.0.1]:8080/a/b",
        "http://169.254.169.254/latest/",
    ],
)
def test_address_under_no_prefix_is_not_allowed(text: str) -> None:
    assert not ALLOWED.allow(Address.read(text))


@pytest.mark.parametrize(
    "text",
    [
        "https://allowed.example@evil/shop/a.yaml",
        "https://allowed.example:443@evil/shop/a.yaml",
        "https://user:secret@allowed.example/shop/a.yaml",
        "https://@allowed.example/shop/a.yaml",
        "https://allowed.example/shop/../a.yaml",
        "https://allowed.example/shop/..",
        "https://allowed.example/shop/./a.yaml",
        "https://allowed.example/shop/..;/a.yaml",
        "https://allowed.example/shop/..;x=1/a.yaml",
        "https://allowed.example/shop/%2e%2e/a.yaml",
        "https://allowed.example/shop/.%2E/a.yaml",
        "https://allowed.example/shop/%252e%252e/a.yaml",
        "https://allowed.example/shop/..%2fa.yaml",
        "https://allowed.example/shop/..%5Ca.yaml",
        "https://allowed.example/shop/..%3Ba.yaml",
        "https://allowed.example/shop/a%00.yaml",
        "https://allowed.example/shop/a%0d%0aHost:evil",
        "https://allowed.example/shop/%zz",
        "https://allowed.example/shop/%",
        "https://allowed.example\\@evil/shop/a.yaml",
        "https://allowed.example/shop/..\\a.yaml",
        "https://allowed.example/shop/a.yaml#b",
        "https://evil#@allowed.example/shop/a.yaml",
        "https://allowed%2eexample/shop/a.yaml",
        "https://allowed.example%2f.evil/shop/a.yaml",
        "https://allowed.example./shop/a.yaml",
        "https://allowed\u3002example/shop/a.yaml",
        "https://\u24d0llowed.example/shop/a.yaml",
        "https://allowed.example:99999/shop/a.yaml",
        "https://allowed.example:4 43/shop/a.yaml",
        "https://allowed.example:+443/shop/a.yaml",
        "https://allowed.example,evil/shop/a.yaml",
        "https://[allowed.example]/shop/a.yaml",
        "https://[::1/shop/a.yaml",
        "https://[fe80::1%25eth0]/a",
        " https://allowed.example/shop/a.yaml",
        "https://allowed.example/shop/a.yaml\n",
        "https://allowed.ex\tample/shop/a.yaml",
        "https:/allowed.example/shop/a.yaml",
        "https:allowed.example/shop/a.yaml",
        "//allowed.example/shop/a.yaml",
        "allowed.example/shop/a.yaml",
        "ftp://allowed.example/shop/a.yaml",
        "file:///etc/passwd",
        "",
        "https:///shop/a.yaml",
        "https://allowed.example/shop/" + "a" * 2000,
    ],
)
def test_address_that_could_be_read_in_several_ways_is_none(text: str) -> None:
    with pytest.raises(AddressInvalid):
        Address.read(text)


def test_nothing_is_allowed_by_default() -> None:
    for nothing in (AllowedAddresses(), AllowedAddresses.of(""), AllowedAddresses.of(" , ")):
        assert not nothing.allow(Address.read("https://allowed.example/shop/a.yaml"))


@pytest.mark.parametrize(
    ("prefix", "problem"),
    [
        ("https://allowed.example", "does not end with a slash"),
        ("https://allowed.example/shop", "does not end with a slash"),
        ("https://allowed.example/?a=/", "does not end with a slash"),
        ("http://allowed.example/", "is not https"),
        ("http://10.0.0.1/", "is not https"),
        ("https://user@allowed.example/", "has a name or a password in it"),
        ("https://allowed.example/a/../", r"has `\.` or `\.\.` in its path"),
        ("https://*.example/", "has no valid host"),
        ("allowed.example/", "does not begin with https://"),
    ],
)
def test_prefix_that_would_allow_something_else_than_it_says_is_none(prefix: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        AllowedAddresses.of(f"https://fine.example/,{prefix}")


@pytest.mark.parametrize(
    "prefix", ["http://127.0.0.1:1234/", "http://localhost/", "http://[::1]/a/", "https://a.example/"]
)
def test_http_is_for_this_machine_alone(prefix: str) -> None:
    assert AllowedAddresses.of(prefix).prefixes
