import pytest

from tokenguard.entra.answer import Answer, Broken
from tokenguard.entra.paging import Trail

ROOT = "https://graph.example/v1.0"
FIRST = f"{ROOT}/servicePrincipals?$top=2"
SECOND = f"{FIRST}&$skiptoken=2"


def page(link=None, rows=({"id": "1"},)):
    body = {"value": list(rows)}
    return Answer(200, {}, body if link is None else {**body, "@odata.nextLink": link})


def follow(*answers):
    trail = Trail(ROOT, FIRST)
    return [trail.follow(answer) for answer in answers]


def test_a_collection_ends_where_no_link_follows():
    assert follow(page(SECOND), page()) == [([{"id": "1"}], SECOND), ([{"id": "1"}], None)]


def test_empty_pages_are_followed():
    assert [link for _, link in follow(page(SECOND, []), page(f"{SECOND}0", []), page())] == [
        SECOND,
        f"{SECOND}0",
        None,
    ]


@pytest.mark.parametrize("name", ["@odata.nextlink", "odata.nextLink", "@nextLink", "nextLink"])
def test_a_link_by_another_name_is_not_overlooked(name):
    (last,) = follow(Answer(200, {}, {"value": [{"id": "1"}], name: SECOND}))
    assert isinstance(last, Broken)
    assert "another name" in last.reason
    assert not last.passing


def test_pages_without_rows_are_not_followed_for_ever():
    barren = [page(f"{SECOND}{number}", []) for number in range(100)]
    *followed, last = follow(*barren)
    assert isinstance(last, Broken)
    assert "100 pages without a row" in last.reason
    assert not last.passing
    assert [link for _, link in followed] == [f"{SECOND}{number}" for number in range(99)]


def test_a_row_in_between_is_a_way_on():
    pages = [page(f"{SECOND}{number}", [{"id": "1"}] if number % 90 == 0 else []) for number in range(250)]
    assert not any(isinstance(followed, Broken) for followed in follow(*pages))


@pytest.mark.parametrize(
    "answers",
    [
        (page(FIRST),),
        (page(SECOND), page(FIRST)),
        (page(SECOND), page(SECOND)),
        (page(SECOND, []), page(SECOND, [])),
    ],
)
def test_a_link_back_is_no_way_on(answers):
    *_, last = follow(*answers)
    assert isinstance(last, Broken)
    assert not last.passing


@pytest.mark.parametrize(
    "link",
    [
        "https://graph.evil/v1.0/servicePrincipals",
        "https://graph.example.evil/v1.0/servicePrincipals",
        "https://graph.example@evil/v1.0/servicePrincipals",
        "https://graph.example/v1.0evil",
        "https://graph.example/beta/servicePrincipals",
        "http://graph.example/v1.0/servicePrincipals",
        "https://graph.example/v1.0/../beta/servicePrincipals",
        "https://graph.example/v1.0/%2e%2E/beta/servicePrincipals",
        "https://graph.example/v1.0/..%2Fbeta/servicePrincipals",
        "https://graph.example/v1.0/policies\\..\\..\\beta/servicePrincipals",
        "/servicePrincipals?$skiptoken=2",
        "",
        7,
        ["https://graph.example/v1.0/servicePrincipals"],
    ],
)
def test_a_link_elsewhere_is_not_followed(link):
    (followed,) = follow(page(link))
    assert isinstance(followed, Broken)
    assert "another place" in followed.reason


def test_two_dots_in_a_query_lead_nowhere_else():
    assert follow(page(f"{FIRST}&$skiptoken=../..")) == [([{"id": "1"}], f"{FIRST}&$skiptoken=../..")]


@pytest.mark.parametrize(
    "body",
    [None, "text", 7, [], {}, {"value": None}, {"value": {"id": "1"}}, {"value": [None]}, {"value": [], "error": {}}],
)
def test_what_holds_no_rows_is_no_empty_collection(body):
    (followed,) = follow(Answer(200, {}, body))
    assert isinstance(followed, Broken)
