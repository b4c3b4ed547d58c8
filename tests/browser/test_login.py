"""The page at the port that asks for a login."""
import re

import pytest
from selenium.webdriver.common.by import By

from corvette import Corvette, base_config, rtsp_camera, wait_for


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    config = base_config({"yard": rtsp_camera("rtsp://127.0.0.1:1/x", 320, 240)}, tls={"enabled": False},
                         auth={"hash_iterations": 1000})
    with Corvette(config, tmp_path_factory.mktemp("login"), ["--listen-auth", "127.0.0.1:0"]) as corvette:
        yield corvette


def log_in(browser, user, password):
    form = browser.find_element(By.CSS_SELECTOR, "#login form")
    for name, value in (("user", user), ("password", password)):
        field = form.find_element(By.NAME, name)
        field.clear()
        field.send_keys(value)
    form.find_element(By.TAG_NAME, "button").click()


def test_logging_in_and_out(system, browser):
    password = re.search(r"with password (\S+)", system.wait_log("made user admin"))[1]
    def form_shows():
        return browser.find_element(By.ID, "login").is_displayed()
    browser.get(wait_for(lambda: system.guarded_url, "the port of logins") + "/")
    wait_for(form_shows, "the form")
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-camera]")
    log_in(browser, "admin", "wrong")
    wait_for(lambda: browser.find_element(By.ID, "login-problem").text == "Login failed", "the refusal")
    log_in(browser, "admin", password)
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "[data-camera=yard]"), "the page")
    assert not form_shows()
    assert browser.find_element(By.ID, "user").text.startswith("admin")
    browser.find_element(By.LINK_TEXT, "Log out").click()
    wait_for(form_shows, "the form again")


def test_the_open_port_asks_nobody(system, browser):
    browser.get(system.url + "/")
    wait_for(lambda: browser.find_elements(By.CSS_SELECTOR, "[data-camera=yard]"), "the page")
    assert not browser.find_element(By.ID, "login").is_displayed()
    assert not browser.find_element(By.ID, "user").is_displayed()
