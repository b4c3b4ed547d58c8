"""The first page in a real browser."""
import pytest
from selenium.webdriver.common.by import By

from corvette import Corvette, base_config, file_camera, wait_for
from scenes import scene


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    video, _ = scene("yard", "--seed", 1, "--duration", 40, "--loopable", "--stamp")
    config = base_config({"yard": file_camera(video)})
    with Corvette(config, tmp_path_factory.mktemp("page")) as corvette:
        yield corvette


def pictures(browser, selector):
    return [i for i in browser.find_elements(By.CSS_SELECTOR, selector)
            if browser.execute_script("return arguments[0].naturalWidth", i) > 0]


def test_live_pictures_and_events_appear(system, browser):
    wait_for(lambda: system.json("/api/events?include_thumbnails=0"), "an event", 120)
    browser.get(system.url + "/")
    wait_for(lambda: pictures(browser, "[data-camera=yard] img"), "the live picture of the camera")
    wait_for(lambda: pictures(browser, "[data-event] img"), "an event with its thumbnail")
    text = browser.find_element(By.TAG_NAME, "body").text.lower()
    assert any(label in text for label in ("person", "car", "dog", "bicycle"))
    assert "yard" in text
    severe = [e for e in browser.get_log("browser") if e["level"] == "SEVERE"]
    assert not severe
