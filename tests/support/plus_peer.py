"""The receiving end of Frigate+ submissions: checks the key, tokens, forms and pictures it gets, and
fails where it is told to."""
import base64
import contextlib
import email
import email.policy
import io
import json
import secrets
import threading
import time

from PIL import Image

from peer_server import PeerServer

KEY = "01234567-89ab-cdef-0123-456789abcdef:0123456789012345678901234567890123456789"
SIDES = {"original": 1920, "annotate": 640, "thumbnail": 200}
LABELS = {"person", "car", "dog"}


class Refused(Exception):
    def __init__(self, status, body=""):
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


class PlusPeer:
    """`trouble`: step (token, signed_urls, original, annotate, thumbnail, create, annotation,
    false_positive) -> status, "garbage", "slow" or "close"."""

    def __init__(self):
        self.trouble = {}
        self.release = threading.Event()
        self.lock = threading.Lock()
        self.token_life = 3600
        self.tokens = {}   # token -> expires
        self.steps = []    # names, in the order they came
        self.slow = 0
        self.waiting = {}  # image id -> {what: picture} of forms that were handed out
        self.created = {}  # image id -> camera, pictures
        self.annotations, self.false_positives = {}, {}
        self.faults = []   # what a correct client does not do
        self.server = PeerServer(self.handle)
        self.url = f"http://127.0.0.1:{self.server.port}"
        self.env = {"PLUS_API_KEY": KEY, "PLUS_API_HOST": self.url + "/", "no_proxy": "127.0.0.1"}

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *args):
        self.release.set()
        self.server.stop()

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        parts = request.path.strip("/").split("/")
        step = parts[-1]
        with self.lock:
            self.steps.append(step)
        trouble = self.trouble.get(step)
        try:
            if trouble == "slow":
                self.slow += 1
                self.release.wait(60)
                trouble = "close"
            if trouble == "close":
                request.close_connection = True
                return
            if trouble == "garbage":
                raise Refused(200, "{not json")
            if trouble is not None:
                raise Refused(trouble, '{"errors":"all of it"}')
            with self.lock:
                answer = getattr(self, f"on_{request.command}_{'upload' if parts[0] == 'put' else step}")(
                    request, parts, body)
            self.send(request, 200, json.dumps(answer))
        except Refused as refused:
            self.send(request, refused.status, refused.body)
        except Exception as error:
            self.faults.append(f"{request.command} {request.path}: {error!r}")
            self.send(request, 400, "{}")

    def send(self, request, status, text):
        with contextlib.suppress(OSError):
            request.send_response(status)
            request.send_header("Content-Length", str(len(text)))
            request.end_headers()
            request.wfile.write(text.encode())

    def check(self, truth, what):
        if not truth:
            self.faults.append(what)
            raise Refused(400, "{}")

    def check_token(self, request):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or self.tokens.get(token, 0) < time.time():
            raise Refused(401, "{}")

    def check_json(self, request, body, keys):
        self.check_token(request)
        self.check(request.headers["Content-Type"] == "application/json", "content type")
        given = json.loads(body)
        self.check(set(given) == set(keys.split()), f"keys {sorted(given)}")
        if "label" in given and given["label"] not in LABELS:
            raise Refused(400, json.dumps({"errors": [
                {"param": "x", "type": "fine"}, {"param": "label", "type": "invalid_enum_value"}]}))
        return given

    # Steps ---------------------------------------------------------------------------------

    def on_GET_token(self, request, parts, body):
        expected = "Basic " + base64.b64encode(KEY.encode()).decode()
        if request.headers.get("Authorization") != expected:
            raise Refused(401, "{}")
        token = secrets.token_hex(20)
        self.tokens[token] = time.time() + self.token_life
        return {"accessToken": token, "expires": self.tokens[token]}

    def on_GET_signed_urls(self, request, parts, body):
        self.check_token(request)
        image_id = secrets.token_hex(12)
        self.waiting[image_id] = {}
        return {"imageId": image_id, **{
            name: {"url": f"{self.url}/put/{image_id}/{name}",
                   "fields": {"key": f"{image_id}/{name}.jpg", "policy": "p=&\"ö", "x-signature": "abc",
                              "content-type": "will be replaced"}}
            for name in SIDES}}

    def on_POST_upload(self, request, parts, body):
        _, image_id, name = parts
        self.check("Authorization" not in request.headers, "the token went to the storage")
        head = b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n"
        form = email.message_from_bytes(head + body, policy=email.policy.HTTP)
        fields = [(part.get_param("name", header="content-disposition"), part) for part in form.iter_parts()]
        names = [field for field, _ in fields]
        self.check(sorted(names) == ["content-type", "file", "key", "policy", "x-signature"] and
                   names[-1] == "file", f"fields {names}")
        texts = {field: part.get_payload(decode=True).decode() for field, part in fields[:-1]}
        self.check(texts == {"key": f"{image_id}/{name}.jpg", "policy": "p=&\"ö", "x-signature": "abc",
                             "content-type": "image/jpeg"}, f"values {texts}")
        file = fields[-1][1]
        self.check(file.get_content_type() == "image/jpeg" and file.get_filename(), "file part")
        picture = Image.open(io.BytesIO(file.get_payload(decode=True)))
        picture.load()
        self.check(picture.format == "JPEG" and max(picture.size) <= SIDES[name], f"{name} {picture.size}")
        self.waiting[image_id][name] = picture
        return {}

    def on_POST_create(self, request, parts, body):
        given = self.check_json(request, body, "id camera")
        pictures = self.waiting.pop(given["id"])
        self.check(set(pictures) == set(SIDES), f"only {sorted(pictures)} came before")
        self.created[given["id"]] = (given["camera"], pictures)
        return {}

    def on_PUT_annotation(self, request, parts, body):
        self.check(parts[2] in self.created, "annotation of what was not created")
        self.annotations[parts[2]] = self.check_json(request, body, "label x y w h difficult")
        return {}

    def on_PUT_false_positive(self, request, parts, body):
        self.check(parts[2] in self.created or parts[2] == "earlier", "false positive of nothing")
        self.false_positives[parts[2]] = self.check_json(
            request, body, "label x y w h regionX regionY regionW regionH score model_hash model_type "
                           "detector_type")
        return {}
