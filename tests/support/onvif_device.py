"""An ONVIF device with motors, written from the standard's service descriptions (device, media and
PTZ services, SOAP 1.2, WS-Security UsernameToken): it checks what it is sent as strictly as the
strictest cameras do, answers like several kinds of them, and keeps a state to look at."""
import base64
import contextlib
import datetime
import hashlib
import re
import secrets
import threading
import time
import xml.etree.ElementTree as ET

from peer_server import PeerServer

SOAP = "http://www.w3.org/2003/05/soap-envelope"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
MEDIA = "http://www.onvif.org/ver10/media/wsdl"
PTZ = "http://www.onvif.org/ver20/ptz/wsdl"
SCHEMA = "http://www.onvif.org/ver10/schema"
ERROR = "http://www.onvif.org/ver10/error"
OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE, WSU = OASIS + "wssecurity-secext-1.0.xsd", OASIS + "wssecurity-utility-1.0.xsd"
SPACES = "http://www.onvif.org/ver10/tptz/"

# What cameras call the namespaces in their answers.
PREFIXES = {
    "usual": {"s": "SOAP-ENV", "d": "tds", "m": "trt", "p": "tptz", "t": "tt", "e": "ter"},
    "short": {"s": "s", "d": "a", "m": "b", "p": "c", "t": "d", "e": "e"},
    "numbered": {"s": "ns1", "d": "ns5", "m": "ns4", "p": "ns3", "t": "ns2", "e": "ns6"},
}
ALL_SPACES = ("pt", "zoom", "pt-r", "pt-r-fov", "zoom-r", "zoom-a")


class Fault(Exception):
    def __init__(self, code, reason, status=400):
        super().__init__(reason)
        self.code, self.reason, self.status = code, reason, status


class OnvifDevice:
    """`spaces`: what its motors know; `presets`: (token, name or None); `auth`: wsse, digest (HTTP)
    or none; `refusal`: how a wrong login is told, fault or http; `trouble`: action -> what goes
    wrong with it (slow, close, fault, redirect, or a kind of bad XML)."""

    def __init__(self, user="admin", password="pass & word", prefixes="usual", spaces=ALL_SPACES,
                 presets=(("1", "Home"), ("2", "Front Gate"), ("7", None)), auth="wsse",
                 refusal="fault", clock_offset=0, ptz=True, address=None, only_services=False,
                 options=True, encoding="H264"):
        self.user, self.password, self.prefixes = user, password, PREFIXES[prefixes]
        self.spaces, self.presets, self.auth, self.refusal = spaces, presets, auth, refusal
        self.clock_offset, self.ptz, self.address = clock_offset, ptz, address
        self.only_services, self.options, self.encoding = only_services, options, encoding
        self.profile = "Profile_1"
        self.trouble = {}
        self.release = threading.Event()  # ends what is slow
        self.lock = threading.Lock()
        self.calls = []    # names of the actions that were let through
        self.refused = []  # why others were not
        self.slow = 0      # requests that were left waiting
        self.position = {"pan": 0.0, "tilt": 0.0, "zoom": 0.0}
        self.velocity = {"pan": 0.0, "tilt": 0.0, "zoom": 0.0}
        self.moved_at = time.monotonic()
        self.relative = None  # the last relative move: space, pan, tilt, zoom
        self.nonces, self.http_nonce = set(), secrets.token_hex(8)
        self.server = PeerServer(self.handle)
        self.port = self.server.port

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *args):
        self.release.set()
        self.server.stop()

    def config(self, **more):
        """The camera's onvif section."""
        return {"host": "127.0.0.1", "port": self.port, "user": self.user,
                "password": self.password, **more}

    # HTTP ----------------------------------------------------------------------------------

    def handle(self, http_request):
        length = int(http_request.headers.get("Content-Length") or 0)
        body = http_request.rfile.read(length)
        action = "?"
        try:
            if self.auth == "digest" and b"GetSystemDateAndTime" not in body:
                if not self.http_login(http_request):
                    return
            action, element, header = self.parse(http_request, body)
            if self.misbehave(http_request, action):
                return
            if action != "GetSystemDateAndTime" and self.auth == "wsse":
                self.check_login(header)
            with self.lock:
                self.calls.append(action)
                answer = getattr(self, "on_" + action)(element)
            self.reply(http_request, 200, answer)
        except Fault as fault:
            with self.lock:
                self.refused.append(f"{action}: {fault.reason}")
            if fault.code == "NotAuthorized" and self.refusal == "http":
                self.send(http_request, 401, b"", "text/html")
            else:
                self.reply(http_request, fault.status, self.fault(fault))

    def send(self, http_request, status, body, kind="application/soap+xml; charset=utf-8", **headers):
        with contextlib.suppress(OSError):
            http_request.send_response(status)
            http_request.send_header("Content-Type", kind)
            http_request.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                http_request.send_header(name.replace("_", "-"), value)
            http_request.end_headers()
            http_request.wfile.write(body)

    def reply(self, http_request, status, content):
        p = self.prefixes
        names = {"s": SOAP, "d": DEVICE, "m": MEDIA, "p": PTZ, "t": SCHEMA, "e": ERROR}
        declared = " ".join(f'xmlns:{p[key]}="{uri}"' for key, uri in names.items())
        text = f"<s:Envelope {declared}>\n<s:Body>{content}</s:Body>\n</s:Envelope>\n"
        text = re.sub(r"(</?)([sdmpte]):", lambda found: f"{found[1]}{p[found[2]]}:", text)
        self.send(http_request, status, b'<?xml version="1.0" encoding="UTF-8"?>\n' + text.encode())

    def fault(self, fault):
        code = self.prefixes["e"] + ":" + fault.code
        return (f"<s:Fault><s:Code><s:Value>{self.prefixes['s']}:Sender</s:Value><s:Subcode>"
                f"<s:Value>{code}</s:Value></s:Subcode></s:Code><s:Reason>"
                f'<s:Text xml:lang="en">{fault.reason}</s:Text></s:Reason></s:Fault>')

    def http_login(self, http_request):
        """RFC 2617 with qop=auth."""
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', http_request.headers.get("Authorization", "")))
        if given.get("nonce") == self.http_nonce:
            def md5(text):
                return hashlib.md5(text.encode()).hexdigest()
            first = md5(f"{self.user}:onvif:{self.password}")
            second = md5(f"POST:{http_request.path}")
            expected = md5(":".join([first, self.http_nonce, given["nc"], given["cnonce"],
                                     given["qop"], second]))
            if given["response"] == expected and given["username"] == self.user:
                return True
        self.send(http_request, 401, b"", "text/html", WWW_Authenticate=(
            f'Digest realm="onvif", nonce="{self.http_nonce}", qop="auth", algorithm=MD5'))
        return False

    def misbehave(self, http_request, action):
        kind = self.trouble.get(action)
        if kind == "slow":
            self.slow += 1
            self.release.wait(60)
        if kind in ("slow", "close"):
            http_request.close_connection = True
            return True
        if kind == "fault":
            raise Fault("ActionNotSupported", "Optional Action Not Implemented", 500)
        xml = {
            "broken": b"<SOAP-ENV:Envelope><SOAP-ENV:Body><half>",
            "empty": b"",
            "huge": b"<Envelope><Body><x>" + b"x" * (8 << 20) + b"</x></Body></Envelope>",
            "doctype": (b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
                        b"<Envelope><Body><x>&f;</x></Body></Envelope>"),
            "bomb": (b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
                b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(12)) +
                b']><Envelope a="&m;"><Body><x>&m;</x></Body></Envelope>'),
            "deep": b"<a>" * 100000,
        }
        if kind in xml:
            self.send(http_request, 200, xml[kind])
        elif kind == "redirect":
            self.send(http_request, 302, b"", Location=f"http://127.0.0.1:{self.port}/elsewhere")
        return kind is not None

    # What is asked -------------------------------------------------------------------------

    def parse(self, http_request, body):
        kind = http_request.headers.get("Content-Type", "")
        if not kind.startswith("application/soap+xml"):
            raise Fault("WellFormed", f"content type {kind}", 415)
        root = ET.fromstring(body)
        if root.tag != f"{{{SOAP}}}Envelope":
            raise Fault("WellFormed", "no SOAP 1.2 envelope")
        element = root.find(f"{{{SOAP}}}Body")[0]
        uri, action = element.tag[1:].split("}")
        path, service = http_request.path, {DEVICE: "device", MEDIA: "media", PTZ: "ptz"}.get(uri)
        if path != f"/onvif/{service}_service" or not hasattr(self, "on_" + action):
            raise Fault("ActionNotSupported", f"no {action} of {uri} at {path}")
        if f'action="{uri}/{action}"' not in kind:
            raise Fault("WellFormed", f"action of {kind} is not {uri}/{action}")
        return action, element, root.find(f"{{{SOAP}}}Header")

    def check_login(self, header):
        token = header.find(f"{{{WSSE}}}Security/{{{WSSE}}}UsernameToken") if header is not None else None
        if token is None:
            raise Fault("NotAuthorized", "Sender not authorized")
        def text(name, namespace=WSSE):
            return token.findtext(f"{{{namespace}}}{name}") or ""
        nonce = base64.b64decode(text("Nonce"), validate=True)
        created = text("Created", WSU)
        digest = hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()
        kind = token.find(f"{{{WSSE}}}Password").get("Type")
        when = datetime.datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(
            tzinfo=datetime.timezone.utc).timestamp()
        if not kind.endswith("#PasswordDigest") or text("Username") != self.user or \
                base64.b64decode(text("Password")) != digest:
            raise Fault("NotAuthorized", "Sender not authorized")
        if abs(when - self.clock()) > 30:
            raise Fault("NotAuthorized", "Created is out of range")
        with self.lock:
            if nonce in self.nonces or len(nonce) < 16:
                raise Fault("NotAuthorized", "Nonce was seen before")
            self.nonces.add(nonce)

    def clock(self):
        return time.time() + self.clock_offset

    def url(self, service):
        return f"http://{self.address or f'127.0.0.1:{self.port}'}/onvif/{service}_service"

    def check_profile(self, element):
        token = element.findtext(f"{{{PTZ}}}ProfileToken")
        if token != self.profile:
            raise Fault("NoProfile", f"no profile {token}")

    # Device and media ----------------------------------------------------------------------

    def on_GetSystemDateAndTime(self, element):
        now = time.gmtime(self.clock())
        return ("<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime><t:DateTimeType>NTP"
                "</t:DateTimeType><t:DaylightSavings>false</t:DaylightSavings><t:UTCDateTime><t:Time>"
                f"<t:Hour>{now.tm_hour}</t:Hour><t:Minute>{now.tm_min}</t:Minute>"
                f"<t:Second>{now.tm_sec}</t:Second></t:Time><t:Date><t:Year>{now.tm_year}</t:Year>"
                f"<t:Month>{now.tm_mon}</t:Month><t:Day>{now.tm_mday}</t:Day></t:Date>"
                "</t:UTCDateTime></d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>")

    def on_GetCapabilities(self, element):
        if self.only_services:
            raise Fault("ActionNotSupported", "Optional Action Not Implemented", 500)
        ptz = f"<t:PTZ><t:XAddr>{self.url('ptz')}</t:XAddr></t:PTZ>" if self.ptz else ""
        return ("<d:GetCapabilitiesResponse><d:Capabilities>"
                f"<t:Device><t:XAddr>{self.url('device')}</t:XAddr></t:Device>"
                f"<t:Media><t:XAddr>{self.url('media')}</t:XAddr></t:Media>{ptz}"
                "</d:Capabilities></d:GetCapabilitiesResponse>")

    def on_GetServices(self, element):
        services = [(DEVICE, "device"), (MEDIA, "media")] + [(PTZ, "ptz")] * self.ptz
        return "<d:GetServicesResponse>" + "".join(
            f"<d:Service><d:Namespace>{uri}</d:Namespace><d:XAddr>{self.url(name)}</d:XAddr>"
            "<d:Version><t:Major>2</t:Major><t:Minor>5</t:Minor></d:Version></d:Service>"
            for uri, name in services) + "</d:GetServicesResponse>"

    def on_GetProfiles(self, element):
        defaults = {
            "pt": ("DefaultContinuousPanTiltVelocitySpace", "PanTiltSpaces/VelocityGenericSpace"),
            "zoom": ("DefaultContinuousZoomVelocitySpace", "ZoomSpaces/VelocityGenericSpace"),
            "pt-r": ("DefaultRelativePanTiltTranslationSpace", "PanTiltSpaces/TranslationGenericSpace"),
            "zoom-r": ("DefaultRelativeZoomTranslationSpace", "ZoomSpaces/TranslationGenericSpace"),
            "zoom-a": ("DefaultAbsoluteZoomPositionSpace", "ZoomSpaces/PositionGenericSpace"),
        }
        ptz = ('<t:PTZConfiguration token="PTZ_1"><t:Name>ptz</t:Name><t:UseCount>2</t:UseCount>'
               "<t:NodeToken>Node_1</t:NodeToken>" + "".join(
                   f"<t:{name}>{SPACES}{uri}</t:{name}>"
                   for space, (name, uri) in defaults.items() if space in self.spaces) +
               "</t:PTZConfiguration>") if self.ptz and self.spaces else ""
        def profile(token, encoding, motors):
            return (f'<m:Profiles token="{token}" fixed="true"><t:Name>{token}</t:Name>'
                    f'<t:VideoEncoderConfiguration token="v_{token}"><t:Name>v</t:Name>'
                    f"<t:Encoding>{encoding}</t:Encoding></t:VideoEncoderConfiguration>{motors}"
                    "</m:Profiles>")
        return ("<m:GetProfilesResponse>" + profile("Jpeg", "JPEG", ptz) +
                profile("Still", "H264", "") + profile(self.profile, self.encoding, ptz) +
                profile("Profile_9", "H264", ptz) + "</m:GetProfilesResponse>")

    # Motors --------------------------------------------------------------------------------

    def listed_spaces(self):
        rows = [("pt", "ContinuousPanTiltVelocitySpace", "PanTiltSpaces/VelocityGenericSpace", -1),
                ("zoom", "ContinuousZoomVelocitySpace", "ZoomSpaces/VelocityGenericSpace", -1),
                ("pt-r", "RelativePanTiltTranslationSpace", "PanTiltSpaces/TranslationGenericSpace", -1),
                ("pt-r-fov", "RelativePanTiltTranslationSpace", "PanTiltSpaces/TranslationSpaceFov", -2),
                ("zoom-r", "RelativeZoomTranslationSpace", "ZoomSpaces/TranslationGenericSpace", -1),
                ("zoom-a", "AbsoluteZoomPositionSpace", "ZoomSpaces/PositionGenericSpace", 0)]
        text = ""
        for space, name, uri, low in rows:
            if space in self.spaces:
                high = abs(low) or 1
                y = f"<t:YRange><t:Min>{low}</t:Min><t:Max>{high}</t:Max></t:YRange>"
                text += (f"<t:{name}><t:URI>{SPACES}{uri}</t:URI><t:XRange><t:Min>{low}.0</t:Min>"
                         f"<t:Max> {high} </t:Max></t:XRange>{y if 'PanTilt' in name else ''}</t:{name}>")
        return text

    def on_GetConfigurationOptions(self, element):
        if not self.options:
            raise Fault("ActionNotSupported", "Optional Action Not Implemented", 500)
        if element.findtext(f"{{{PTZ}}}ConfigurationToken") != "PTZ_1":
            raise Fault("NoConfig", "no such configuration")
        return ("<p:GetConfigurationOptionsResponse><p:PTZConfigurationOptions><t:Spaces>" +
                self.listed_spaces() + "</t:Spaces><t:PTZTimeout><t:Min>PT1S</t:Min>"
                "<t:Max>PT60S</t:Max></t:PTZTimeout></p:PTZConfigurationOptions>"
                "</p:GetConfigurationOptionsResponse>")

    def on_GetNode(self, element):
        if element.findtext(f"{{{PTZ}}}NodeToken") != "Node_1":
            raise Fault("NoEntity", "no such node")
        return ('<p:GetNodeResponse><p:PTZNode token="Node_1"><t:Name>n</t:Name><t:SupportedPTZSpaces>' +
                self.listed_spaces() + "</t:SupportedPTZSpaces></p:PTZNode></p:GetNodeResponse>")

    def on_GetPresets(self, element):
        self.check_profile(element)
        return "<p:GetPresetsResponse>" + "".join(
            f'<p:Preset token="{token}">' + (f"<t:Name>{name}</t:Name>" if name is not None else "") +
            "</p:Preset>" for token, name in self.presets) + "</p:GetPresetsResponse>"

    def settle(self):
        """Moves on to now."""
        now = time.monotonic()
        for axis, speed in self.velocity.items():
            low = 0 if axis == "zoom" else -1
            self.position[axis] = max(low, min(1, self.position[axis] + speed * (now - self.moved_at)))
        self.moved_at = now

    def axes(self, element, space_kind):
        """What PanTilt and Zoom say: axis -> number, and the spaces."""
        pan_tilt, zoom = element.find(f"{{{SCHEMA}}}PanTilt"), element.find(f"{{{SCHEMA}}}Zoom")
        found, spaces = {}, []
        if pan_tilt is not None:
            found.update(pan=float(pan_tilt.get("x")), tilt=float(pan_tilt.get("y")))
            spaces.append(pan_tilt.get("space"))
        if zoom is not None:
            found.update(zoom=float(zoom.get("x")))
            spaces.append(zoom.get("space"))
        for space in spaces:
            if space is not None and space_kind not in space:
                raise Fault("SpaceNotSupported", f"space {space}")
        return found, spaces

    def on_ContinuousMove(self, element):
        self.check_profile(element)
        found, _ = self.axes(element.find(f"{{{PTZ}}}Velocity"), "VelocityGenericSpace")
        if not found:
            raise Fault("InvalidVelocity", "no velocity")
        self.settle()
        self.velocity.update(found)
        return "<p:ContinuousMoveResponse/>"

    def on_Stop(self, element):
        self.check_profile(element)
        self.settle()
        if element.findtext(f"{{{PTZ}}}PanTilt") == "true":
            self.velocity.update(pan=0.0, tilt=0.0)
        if element.findtext(f"{{{PTZ}}}Zoom") == "true":
            self.velocity.update(zoom=0.0)
        return "<p:StopResponse></p:StopResponse>"

    def on_RelativeMove(self, element):
        self.check_profile(element)
        found, spaces = self.axes(element.find(f"{{{PTZ}}}Translation"), "Translation")
        self.settle()
        for axis, by in found.items():
            self.position[axis] += by
        self.relative = (spaces[0].rsplit("/", 1)[1] if spaces[0] else None, found)
        return "<p:RelativeMoveResponse/>"

    def on_AbsoluteMove(self, element):
        self.check_profile(element)
        found, _ = self.axes(element.find(f"{{{PTZ}}}Position"), "PositionGenericSpace")
        if not 0 <= found.get("zoom", 0) <= 1:
            raise Fault("InvalidPosition", "out of range")
        self.position.update(found)
        return "<p:AbsoluteMoveResponse/>"

    def on_GotoPreset(self, element):
        self.check_profile(element)
        token = element.findtext(f"{{{PTZ}}}PresetToken")
        if token not in [known for known, _ in self.presets]:
            raise Fault("NoToken", f"no preset {token}")
        self.velocity = dict.fromkeys(self.velocity, 0.0)
        self.position = {"pan": int(token) / 10, "tilt": 0.0, "zoom": 0.0}
        return "<p:GotoPresetResponse/>"

    def on_GetStatus(self, element):
        self.check_profile(element)
        self.settle()
        def state(*axes):
            return "MOVING" if any(self.velocity[axis] for axis in axes) else "IDLE"
        at = self.position
        return ("<p:GetStatusResponse><p:PTZStatus><t:Position>"
                f'<t:PanTilt x="{at["pan"]}" y="{at["tilt"]}"/><t:Zoom x="{at["zoom"]}"/></t:Position>'
                f"<t:MoveStatus><t:PanTilt>{state('pan', 'tilt')}</t:PanTilt>"
                f"<t:Zoom>{state('zoom')}</t:Zoom></t:MoveStatus><t:UtcTime>2024-01-01T00:00:00Z"
                "</t:UtcTime></p:PTZStatus></p:GetStatusResponse>")
