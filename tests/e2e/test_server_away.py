"""What a lost server costs the open page: nothing that was typed, and no more than the part that is asked for."""

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import Server, Visit

pytestmark = pytest.mark.slow


def test_edits_are_kept_and_sent_and_missing_parts_cost_themselves_alone(server: Server, visit: Visit) -> None:
    page = visit(server).open("/configure?tab=training")
    epochs = page.get_by_role("textbox", name="Epochs", exact=True)
    expect(epochs).to_be_visible()

    server.kill()
    epochs.fill("77")
    expect(page.get_by_text("Kept in this tab")).to_be_visible()
    page.get_by_role("button", name="Load preset").click()
    notices = page.get_by_role("region", name="Notices")
    expect(notices.get_by_role("alert")).to_contain_text("did not come")
    expect(epochs).to_have_value("77")
    page.get_by_role("link", name="Datasets").first.click()
    missing = page.get_by_role("main").get_by_role("alert")
    expect(missing).to_contain_text("did not come")

    server.start()
    server.wait_until(
        lambda: server.http.get("/api/config/current").json()["config"]["epochs"] == 77, "what was typed without it"
    )
    missing.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()


def test_a_reload_takes_up_what_could_not_be_sent(server: Server, visit: Visit) -> None:
    page = visit(server).open("/configure?tab=training")
    epochs = page.get_by_role("textbox", name="Epochs", exact=True)
    page.route("**/api/config/current", lambda route: route.abort())
    epochs.fill("78")
    expect(page.get_by_text("Kept in this tab")).to_be_visible()
    page.unroute("**/api/config/current")
    page.reload()
    expect(epochs).to_have_value("78")
    server.wait_until(
        lambda: server.http.get("/api/config/current").json()["config"]["epochs"] == 78, "what the tab had kept"
    )
