/* Everything that is refused or warned of because of what stands beside it. */
#include "help.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/substitute.h"

#define ZONE "    zones: {yard: {coordinates: '0,0,1,0,1,1'}}\n"
#define INPUTS(list) TOP "cameras:\n  cam:\n    ffmpeg: {inputs: " list "}\n"
#define TWO "[{path: a, roles: [detect]}, {path: b, roles: [record]}]"

struct row {
    const char *text, *path, *fragment;
};

static void errors(void **state)
{
    static const struct row rows[] = {
        /* missing */
        {CAMERA, "mqtt", "is missing"},
        {TOP, "cameras", "is missing"},
        {TOP "cameras: {cam: {}}\n", "cameras.cam.ffmpeg.inputs", "is missing"},
        {TOP "cameras: {cam: {ffmpeg: {}}}\n", "cameras.cam.ffmpeg.inputs", "is missing"},
        {TOP "cameras: {cam: }\n", "cameras.cam", "is empty"},
        {TOP "cameras: {cam: {ffmpeg: }}\n", "cameras.cam.ffmpeg", "is empty"},
        {INPUTS("[{roles: [detect]}]"), "cameras.cam.ffmpeg.inputs.0.path", "is missing"},
        {INPUTS("[]"), "cameras.cam.ffmpeg.inputs", "names no input"},
        {INPUTS("{path: a}"), "cameras.cam.ffmpeg.inputs", "list of sections"},
        {INPUTS("[{path: ''}]"), "cameras.cam.ffmpeg.inputs.0.path", "is empty"},
        {MINIMAL "    zones: {z: {}}\n", "cameras.cam.zones.z.coordinates", "is missing"},
        {TOP "record:\n" CAMERA, "record", "is empty"},
        /* unknown keys */
        {TOP "recrod: {}\n" CAMERA, "recrod", "did you mean record?"},
        {MINIMAL "    detect: {width: 640, fpss: 5}\n", "cameras.cam.detect.fpss",
         "did you mean fps?"},
        {MINIMAL "    fps: 5\n", "cameras.cam.fps", "belongs into detect"},
        {MINIMAL "    max_frames: {}\n", "cameras.cam.max_frames", "unknown key"},
        {TOP "onvif: {host: x}\n" CAMERA, "onvif", "belongs into a camera"},
        {TOP "tls: {certificate: x}\n" CAMERA, "tls.certificate", "known here: enabled"},
        {TOP "birdseye: {order: 1}\n" CAMERA, "birdseye.order", "unknown key"},
        {TOP "model: {attributes_map: {}}\n" CAMERA, "model.attributes_map", "unknown key"},
        {MINIMAL "    detect: {fps: 5, fps: 6}\n", "cameras.cam.detect.fps", "given twice"},
        /* types */
        {"mqtt: {enabled: false, client_id: 1234}\n" CAMERA, "mqtt.client_id",
         "the number 1234; put it in quotes"},
        {"mqtt: {enabled: false, user: u, password: 1234}\n" CAMERA, "mqtt.password",
         "not a number; put it in quotes"},
        {MINIMAL "    objects: {track: person}\n", "cameras.cam.objects.track",
         "write it as [ ... ]"},
        {MINIMAL "    objects: {track: [person, no]}\n", "cameras.cam.objects.track.1",
         "true/false"},
        {MINIMAL "    detect: {fps: 2.5}\n", "cameras.cam.detect.fps", "whole number"},
        {MINIMAL "    detect: {fps: 99999999999}\n", "cameras.cam.detect.fps", "out of range"},
        {MINIMAL "    detect: {annotation_offset: 99999999999}\n",
         "cameras.cam.detect.annotation_offset", "smaller"},
        {MINIMAL "    record: {retain: {days: .inf}}\n", "cameras.cam.record.retain.days",
         "number"},
        {MINIMAL "    record: {retain: {mode: motoin}}\n", "cameras.cam.record.retain.mode",
         "none of all, motion or active_objects; did you mean motion?"},
        {TOP "logger: {logs: {a.b: loud}}\n" CAMERA, "logger.logs.a.b", "none of debug"},
        {TOP "ui: {time_format: 25hour}\n" CAMERA, "ui.time_format", "did you mean 24hour?"},
        {TOP "model: {labelmap: {dog: 1}}\n" CAMERA, "model.labelmap.dog", "number of a label"},
        {TOP "model: {labelmap: {1: 2}}\n" CAMERA, "model.labelmap.1", "must be text"},
        {INPUTS("[{path: a, roles: [rceord]}]"), "cameras.cam.ffmpeg.inputs.0.roles.0",
         "did you mean record?"},
        {MINIMAL "    ffmpeg: {}\n", "cameras.cam.ffmpeg", "given twice"},
        {TOP "ffmpeg: {input_args: \"-a 'b\"}\n" CAMERA, "ffmpeg.input_args", "every quote closed"},
        /* presets */
        {TOP "ffmpeg: {hwaccel_args: preset-vappi}\n" CAMERA, "ffmpeg.hwaccel_args",
         "did you mean preset-vaapi?"},
        {TOP "ffmpeg: {input_args: preset-record-generic}\n" CAMERA, "ffmpeg.input_args",
         "no preset"},
        {INPUTS("[{path: a, input_args: preset-rtsp-upd}]"),
         "cameras.cam.ffmpeg.inputs.0.input_args", "did you mean preset-rtsp-udp?"},
        /* mqtt, auth */
        {"mqtt: {enabled: false, user: u}\n" CAMERA, "mqtt.user", "mqtt.password too"},
        {"mqtt: {enabled: false, password: p}\n" CAMERA, "mqtt.password", "mqtt.user too"},
        {"mqtt: {enabled: false, topic_prefix: 'a/#'}\n" CAMERA, "mqtt.topic_prefix", "topic"},
        {TOP "auth: {cookie_name: a-b}\n" CAMERA, "auth.cookie_name", "small letters"},
        {TOP "go2rtc: [a]\n" CAMERA, "go2rtc", "section"},
        /* names */
        {TOP "cameras: {'a b': {ffmpeg: {inputs: [{path: x}]}}}\n", "cameras.a b", "letters"},
        {TOP "cameras: {'../x': {ffmpeg: {inputs: [{path: x}]}}}\n", "cameras.../x", "letters"},
        {TOP "cameras: {'': {ffmpeg: {inputs: [{path: x}]}}}\n", NULL, "letters"},
        {MINIMAL "  b: {name: cam, ffmpeg: {inputs: [{path: x}]}}\n", "cameras.b.name",
         "another camera"},
        {MINIMAL "    zones: {cam: {coordinates: '0,0,1,0,1,1'}}\n", "cameras.cam.zones.cam",
         "name of a camera"},
        {MINIMAL "    zones: {b: {coordinates: '0,0,1,0,1,1'}}\n"
                 "  b: {ffmpeg: {inputs: [{path: x}]}}\n",
         "cameras.cam.zones.b", "name of a camera"},
        /* roles */
        {INPUTS("[{path: a, roles: [record]}, {path: b, roles: [audio]}]"),
         "cameras.cam.ffmpeg.inputs", "no input has the role detect"},
        {INPUTS("[{path: a, roles: [detect]}, {path: b, roles: [detect]}]"),
         "cameras.cam.ffmpeg.inputs", "detect is given to more than one"},
        {INPUTS("[{path: a, roles: [detect, record, record]}, {path: b, roles: [audio]}]"),
         "cameras.cam.ffmpeg.inputs", "record is given to more than one"},
        {INPUTS("[{path: a, roles: [detect]}, {path: b}]"), "cameras.cam.ffmpeg.inputs.1.roles",
         "is missing"},
        {INPUTS("[{path: a, roles: [detect]}, {path: b, roles: [audio]}]") "    record: {enabled: "
                                                                           "true}\n",
         "cameras.cam.record.enabled", "no input has the role record"},
        {INPUTS(TWO) "    audio: {enabled: true}\n", "cameras.cam.audio.enabled",
         "no input has the role audio"},
        {MINIMAL "    audio: {enabled: true}\n", "cameras.cam.audio.enabled", "role audio"},
        /* recording options */
        {TOP "ffmpeg: {output_args: {record: -c copy}}\n" CAMERA,
         "cameras.cam.ffmpeg.output_args.record", "must hold -segment_time"},
        {TOP "ffmpeg: {output_args: {record: -f segment -segment_time 61}}\n" CAMERA,
         "cameras.cam.ffmpeg.output_args.record", "1 to 60"},
        {TOP "ffmpeg: {output_args: {record: ''}}\n" CAMERA,
         "cameras.cam.ffmpeg.output_args.record", "must hold -segment_time"},
        /* detection */
        {MINIMAL "    motion: {enabled: false}\n", "cameras.cam.motion.enabled", "detection needs"},
        {MINIMAL "    detect: {min_initialized: 25}\n", "cameras.cam.detect.min_initialized",
         "less than max_disappeared"},
        {MINIMAL "    detect: {max_disappeared: 2}\n", "cameras.cam.detect.max_disappeared",
         "less than max_disappeared"},
        {MINIMAL "    detect: {width: 641, height: 480}\n", "cameras.cam.detect.width", "even"},
        {MINIMAL "    detect: {width: 640, height: 479}\n", "cameras.cam.detect.height", "even"},
        /* zones */
        {MINIMAL "    zones: {z: {coordinates: '0,0,1,0,1,1', objects: [cat]}}\n",
         "cameras.cam.zones.z.objects", "not tracked"},
        {MINIMAL ZONE "    review: {alerts: {required_zones: [yrad]}}\n",
         "cameras.cam.review.alerts.required_zones", "did you mean yard?"},
        {MINIMAL ZONE "    review: {detections: {required_zones: [x]}}\n",
         "cameras.cam.review.detections.required_zones", "no zone \"x\""},
        {MINIMAL "    onvif: {host: h, autotracking: {enabled: true}}\n",
         "cameras.cam.onvif.autotracking.enabled", "needs required_zones"},
        {MINIMAL "    onvif: {user: u}\n", "cameras.cam.onvif.user", "both, or neither"},
        {MINIMAL "    onvif: {autotracking: {movement_weights: 1,2,3}}\n",
         "cameras.cam.onvif.autotracking.movement_weights", "five numbers"},
        {MINIMAL "    onvif: {autotracking: {movement_weights: 1,2,3,4,x}}\n",
         "cameras.cam.onvif.autotracking.movement_weights", "five numbers"},
        /* coordinates */
        {MINIMAL "    zones: {z: {coordinates: '0,0,1,0,1'}}\n", "cameras.cam.zones.z.coordinates",
         "odd number"},
        {MINIMAL "    zones: {z: {coordinates: '0,0,1,1'}}\n", "cameras.cam.zones.z.coordinates",
         "three corners"},
        {MINIMAL "    zones: {z: {coordinates: ''}}\n", "cameras.cam.zones.z.coordinates",
         "three corners"},
        {MINIMAL "    zones: {z: {coordinates: []}}\n", "cameras.cam.zones.z.coordinates",
         "three corners"},
        {MINIMAL "    zones: {z: {coordinates: '0,0,1,0,x,1'}}\n",
         "cameras.cam.zones.z.coordinates", "\"x\" is not a number"},
        {MINIMAL "    zones: {z: {coordinates: '0,0,1,0,1,1,'}}\n",
         "cameras.cam.zones.z.coordinates", "\"\" is not a number"},
        {MINIMAL "    zones: {z: {coordinates: '0,0,1.5,0,1,1'}}\n",
         "cameras.cam.zones.z.coordinates", "from 0 to 1"},
        {MINIMAL "    zones: {z: {coordinates: '0,0,0.5,0,300,200'}}\n",
         "cameras.cam.zones.z.coordinates", "mixes pixels and parts"},
        {MINIMAL "    zones: {z: {coordinates: ['0,0', '1,0', '1,1,0.5,0.5']}}\n",
         "cameras.cam.zones.z.coordinates", "one corner"},
        {MINIMAL "    motion: {mask: '0,0,nan,0,1,1'}\n", "cameras.cam.motion.mask",
         "not a number"},
        {MINIMAL "    objects: {filters: {person: {mask: '0,0,1'}}}\n",
         "cameras.cam.objects.filters.person.mask", "odd number"},
        {TOP "motion: {mask: '0,0,1'}\n" CAMERA, "cameras.cam.motion.mask", "odd number"},
        /* substitution */
        {INPUTS("[{path: 'rtsp://{FRIGATE_TSET_NAME}@h'}]"), "cameras.cam.ffmpeg.inputs.0.path",
         "did you mean {FRIGATE_TEST_NAME}?"},
        {INPUTS("[{path: 'rtsp://h/{x}'}]"), "cameras.cam.ffmpeg.inputs.0.path",
         "begins with FRIGATE_"},
        {INPUTS("[{path: 'rtsp://h/{x'}]"), "cameras.cam.ffmpeg.inputs.0.path", "single {"},
        {INPUTS("[{path: 'rtsp://h/x}'}]"), "cameras.cam.ffmpeg.inputs.0.path", "single }"},
        {INPUTS("[{path: '{FRIGATE_TEST_NAME!r}'}]"), "cameras.cam.ffmpeg.inputs.0.path",
         "begins with FRIGATE_"},
        /* detectors */
        {TOP "detectors: {a: {type: edgtpu}}\n" CAMERA, "detectors.a.type",
         "did you mean edgetpu?"},
        {TOP "detectors: {a: cpu}\n" CAMERA, "detectors.a", "section"},
        /* audio */
        {TOP "audio: {filters: {bark: {threshold: 1}}}\n" CAMERA, "audio.filters.bark.threshold",
         "out of range"},
    };
    setenv("FRIGATE_TEST_NAME", "x", 1);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_error(rows[i].text, rows[i].path, rows[i].fragment);
    }
}

static void warnings(void **state)
{
    static const struct row rows[] = {
        {"mqtt: {}\n" CAMERA, "mqtt.host", "is empty"},
        {"mqtt: {enabled: false, tls_client_cert: a}\n" CAMERA, "mqtt.tls_client_cert", "together"},
        {TOP "auth: {failed_login_rate_limit: often}\n" CAMERA, "auth.failed_login_rate_limit",
         "not understood"},
        {TOP "auth: {trusted_proxies: [here]}\n" CAMERA, "auth.trusted_proxies", "no network"},
        {TOP "camera_groups: {g: {cameras: [cam, birdseye, nix]}}\n" CAMERA,
         "camera_groups.g.cameras", "no camera \"nix\""},
        {TOP "go2rtc: {streams: {a: ['exec:x {output}']}}\n" CAMERA, "go2rtc.streams.a",
         "between braces"},
        {TOP "go2rtc: {streams: {a: []}}\n" CAMERA "    live: {stream_name: b}\n",
         "cameras.cam.live.stream_name", "no stream \"b\""},
        {TOP "detectors: {}\n" CAMERA, "detectors", "names no detector"},
        {TOP "detectors: {a: {type: cpu, nun_threads: 3}}\n" CAMERA, "detectors.a.nun_threads",
         "did you mean num_threads?"},
        {TOP "model: {path: /nowhere/at/all.onnx}\n" CAMERA, "model.path", "cannot be read"},
        {TOP "model: {path: 'plus://abc'}\n" CAMERA, "model.path", "Frigate+"},
        {TOP "model: {path: /dev/null, labelmap_path: /nowhere.txt}\n" CAMERA,
         "model.labelmap_path", "No such file"},
        {TOP "model: {path: /dev/null}\nobjects: {track: [person, unicorn, face]}\n" CAMERA,
         "cameras.cam.objects.track", "knows no \"unicorn\""},
        {TOP "detectors: {a: {model: {width: 5}}}\n" CAMERA, "detectors.a.model", "only `path`"},
        {TOP "version: 0.16\n" CAMERA, "version", "later form"},
        {TOP "cameras: {}\n", "cameras", "names no camera"},
        {TOP "cameras: {events: {ffmpeg: {inputs: [{path: x}]}}}\n", "cameras.events",
         "something else"},
        {MINIMAL "    name: other\n", "cameras.cam.name", "another name"},
        {MINIMAL "    record: {enabled_in_config: true}\n", "cameras.cam.record.enabled_in_config",
         "ignored"},
        {MINIMAL "    zones: {z: {coordinates: '0,0,1,0,1,1', colour: red}}\n",
         "cameras.cam.zones.z.colour", "unknown key, ignored"},
        {MINIMAL "    birdseye: {width: 5}\n", "cameras.cam.birdseye.width",
         "unknown key, ignored"},
        {MINIMAL "    timestamp_style: {effect: None}\n", "cameras.cam.timestamp_style.effect",
         "taken for nothing"},
        {MINIMAL "    webui_url: None\n", "cameras.cam.webui_url", "is the text"},
        {MINIMAL "    detect: {width: 640}\n", "cameras.cam.detect", "only together"},
        {MINIMAL "    detect: {fps: 15}\n", "cameras.cam.detect.fps", "5 is recommended"},
        {MINIMAL "    zones: {z: {coordinates: '0,0,640,0,640,360'}}\n",
         "cameras.cam.zones.z.coordinates", "taken as of 1280x720"},
        {MINIMAL "    detect: {width: 640, height: 480}\n    motion: {mask: '0,0,641,0,640,480'}\n",
         "cameras.cam.motion.mask", "outside the 640x480"},
        {MINIMAL "    motion: {mask: '0,0,1,0,1,-0.1'}\n", "cameras.cam.motion.mask",
         "outside the picture"},
        {MINIMAL "    motion: {mask: '0,0,1,1'}\n", "cameras.cam.motion.mask", "covers nothing"},
        {MINIMAL "    objects: {filters: {person: {min_area: 10, max_area: 9}}}\n",
         "cameras.cam.objects.filters.person", "nothing passes"},
        {MINIMAL "    objects: {filters: {person: {min_ratio: 2, max_ratio: 1}}}\n",
         "cameras.cam.objects.filters.person", "nothing passes"},
        {MINIMAL "    objects: {filters: {person: {threshold: 75}}}\n",
         "cameras.cam.objects.filters.person", "nothing passes"},
        {MINIMAL
         "    zones: {z: {coordinates: '0,0,1,0,1,1', filters: {person: {min_score: 2}}}}\n",
         "cameras.cam.zones.z.filters.person", "nothing passes"},
        {MINIMAL "    snapshots: {required_zones: [x]}\n", "cameras.cam.snapshots.required_zones",
         "no zone \"x\""},
        {MINIMAL "    mqtt: {required_zones: [x]}\n", "cameras.cam.mqtt.required_zones",
         "no zone \"x\""},
        {MINIMAL "    onvif: {autotracking: {enabled: true, required_zones: [x]}}\n",
         "cameras.cam.onvif.autotracking.enabled", "onvif.host is empty"},
        {TOP "review: {alerts: {required_zones: [yard]}}\n" CAMERA,
         "cameras.cam.review.alerts.required_zones", "no zone"},
        {INPUTS(TWO) "    record: {enabled: true, retain: {days: 1, mode: active_objects}}\n",
         "cameras.cam.record.retain.mode", "stricter"},
        {INPUTS("[{path: a, roles: [detect]}, {path: b, roles: []}]"),
         "cameras.cam.ffmpeg.inputs.1.roles", "not used"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_warning(rows[i].text, rows[i].path, rows[i].fragment);
    }
}

static void nothing_to_say(void **state)
{
    static const char *const texts[] = {
        MINIMAL,
        INPUTS(TWO) "    record: {enabled: true}\n",
        INPUTS("[{path: a, roles: [detect, record, audio]}]") "    audio: {enabled: true}\n",
        TOP "ffmpeg: {output_args: {record: -f segment -segment_time 60 -c copy}}\n" CAMERA,
        MINIMAL "    motion:\n", /* the one section that may be empty */
        MINIMAL "    motion: {enabled: false}\n    detect: {enabled: false}\n",
        MINIMAL "    detect: {min_initialized: 0, max_disappeared: 1}\n",
        MINIMAL ZONE "    review: {alerts: {required_zones: yard}}\n",
        MINIMAL "    onvif: {autotracking: {movement_weights: }}\n",
        MINIMAL "    onvif: {host: h, user: u, password: p}\n",
        TOP "auth: {failed_login_rate_limit: 1 per second; 5/15minutes}\n" CAMERA,
        TOP "go2rtc:\n" CAMERA,
        TOP "birdseye: {width: 640, quality: 3}\n" CAMERA, /* no camera is told of these */
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_quiet(texts[i]);
    }
}

#define LISTENING \
    INPUTS("[{path: a, roles: [audio]}]") "    audio: {enabled: true, listen: [bark, moo, yell]}\n"

/* A model, its labels, and labels it does not know. */
static void sound_models(void **state)
{
    char path[] = "/tmp/corvette-labels-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, "bark\nspeech\nyell\nyell\n", 22), 22);
    close(fd);
    assert_warning(LISTENING, "corvette.sound_model_path", "only the small demo sound model");
    AUTO_STR struct str text = {0};
    str_add(&text, "corvette: {sound_model_path: /nowhere/yamnet.onnx}\n" LISTENING);
    assert_warning(str_text(&text), "corvette.sound_model_path", "cannot be read");
    str_clear(&text);
    str_add(&text, "corvette: {sound_model_path: /dev/null, sound_labels_path: /nowhere/labels}\n"
            LISTENING);
    assert_warning(str_text(&text), "corvette.sound_labels_path", "/nowhere/labels");
    str_clear(&text);
    str_addf(&text, "corvette: {sound_model_path: /dev/null, sound_labels_path: %s}\n%s", path,
             LISTENING);
    assert_warning(str_text(&text), "cameras.cam.audio.listen", "knows no \"moo\"");
    AUTO_LOADED l = load(str_text(&text));
    assert_false(has_warning(&l, "cameras.cam.audio.listen", "yell"));
    /* Where nobody listens, nothing needs to be said. */
    assert_quiet("corvette: {sound_model_path: /nowhere/yamnet.onnx}\n" MINIMAL);
    unlink(path);
}

/* All that is wrong is told at once, each with its line, in the order of the file. */
static void all_at_once(void **state)
{
    AUTO_LOADED l = load("mqtt: {prot: 1}\n"
                         "detect: {fps: many}\n"
                         "cameras:\n"
                         "  cam:\n"
                         "    ffmpeg:\n"
                         "      inputs:\n"
                         "        - roles: [detect, rtmpp]\n"
                         "    zones: {a: {coordinates: '1,2,3'}}\n"
                         "    snapshots: {quality: 101}\n"
                         "version: 0.14\n");
    assert_null(l.config);
    AUTO_STR struct str text = {0};
    config_issues_format(&l.issues, "x.yml", &text);
    static const char *const expected[] = {
        "x.yml:1: mqtt.prot: unknown key; did you mean port?\n",
        "x.yml:1: warning: mqtt.host: is empty, so no broker can be reached; give it, or set "
        "mqtt.enabled: false\n",
        "x.yml:2: detect.fps: must be a whole number, not the text \"many\"\n",
        "x.yml:7: cameras.cam.ffmpeg.inputs.0.roles.1: \"rtmpp\" is none of record, detect or "
        "audio\n",
        "x.yml:7: cameras.cam.ffmpeg.inputs.0.path: is missing: Address or file of the stream\n",
        "x.yml:8: cameras.cam.zones.a.coordinates: has an odd number of coordinates; every corner "
        "needs x and y\n",
        "x.yml:9: cameras.cam.snapshots.quality: 101 is out of range: 0 to 100\n",
    };
    const char *at = str_text(&text);
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        at = strstr(at, expected[i]);
        if (at == NULL) {
            fail_msg("not there, or not in this order: %sin:\n%s", expected[i], str_text(&text));
        }
    }
}

/* A password never stands in a complaint. */
static void secrets_are_not_quoted(void **state)
{
    static const char *const texts[] = {
        "mqtt: {enabled: false, user: u, password: 98765}\n" CAMERA,
        "mqtt: {enabled: false, user: u, password: 'x{98765'}\n" CAMERA,
        "mqtt: {enabled: false, user: u, password: 'x{98765}y'}\n" CAMERA,
        MINIMAL "    onvif: {user: u, password: 98765}\n",
        TOP "proxy: {auth_secret: 98765}\n" CAMERA,
        INPUTS("[{path: 98765}]"),
        INPUTS("[{path: 'rtsp://u:{98765}@h'}]"),
        INPUTS("[{path: x, roles: 'rtsp://u:98765@h'}]"),
        INPUTS("[{path: x, roles: ['rtsp://u:98765@h']}]"),
        INPUTS("'rtsp://u:98765@h'"),
        MINIMAL "    zones: {a: {coordinates: 'rtsp://u:98765@h'}}\n",
        MINIMAL "    detect: {fps: 'rtsp://u:98765@h'}\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_LOADED l = load(texts[i]);
        assert_null(l.config);
        if (strstr(said(&l), "98765") != NULL) {
            fail_msg("%s", said(&l));
        }
    }
}

/* Endless mistakes make no endless text. */
static void bounded(void **state)
{
    AUTO_STR struct str text = {0};
    str_add(&text, MINIMAL "    zones:\n");
    for (int i = 0; i < 5000; i++) {
        str_addf(&text, "      z%d: {coordinates: '0,0,1,0,1,1', inertia: 0}\n", i);
    }
    AUTO_LOADED zones = load(str_text(&text));
    assert_true(has_error(&zones, "cameras.cam.zones", "too many; at most 64"));
    str_clear(&text);
    str_add(&text, MINIMAL);
    for (int i = 0; i < 5000; i++) {
        str_addf(&text, "    unknown%d: 1\n", i);
    }
    AUTO_LOADED many = load(str_text(&text));
    assert_null(many.config);
    assert_true(many.issues.count < 1100);
    assert_true(has_error(&many, NULL, "more errors are not shown"));
    str_clear(&text);
    str_add(&text, MINIMAL "    ");
    for (int i = 0; i < 100000; i++) {
        str_add_char(&text, 'k');
    }
    str_add(&text, ": 1\n");
    AUTO_LOADED l = load(str_text(&text));
    assert_null(l.config);
    for (size_t i = 0; i < l.issues.count; i++) {
        assert_true(strlen(l.issues.items[i].message) < 1000);
        assert_true(strlen(l.issues.items[i].path) < 1000);
    }
}

static void strange_bytes_are_not_printed(void **state)
{
    AUTO_LOADED l = load(MINIMAL "    \"a\\e[31mb\\nc\": 1\n");
    assert_null(l.config);
    assert_null(strchr(said(&l), '\033'));
    assert_true(has_error(&l, "cameras.cam.a?[31mb?c", "unknown key"));
}

static void secret_files(void **state)
{
    char folder[] = "/tmp/config-secrets-XXXXXX";
    assert_non_null(mkdtemp(folder));
    AUTO_STR struct str path = {0}, out = {0};
    str_addf(&path, "%s/FRIGATE_TEST_FILE", folder);
    FILE *file = fopen(str_text(&path), "w");
    assert_non_null(file);
    fputs("  from the file \n", file);
    fclose(file);
    setenv("FRIGATE_TEST_FILE", "from the environment", 1);
    setenv("FRIGATE_TEST_OTHER", "other", 1);
    struct cfg_vars vars = {0};
    struct err err = ERR_NONE;
    cfg_vars_load(&vars, folder);
    assert_true(cfg_substitute(&vars, "{FRIGATE_TEST_FILE}+{FRIGATE_TEST_OTHER}", &out, &err));
    assert_string_equal(str_text(&out), "from the file+other"); /* the file wins */
    cfg_vars_finish(&vars);
    remove(str_text(&path));
    remove(folder);
    unsetenv("FRIGATE_TEST_FILE");
    unsetenv("FRIGATE_TEST_OTHER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors),
        cmocka_unit_test(warnings),
        cmocka_unit_test(nothing_to_say),
        cmocka_unit_test(sound_models),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(secrets_are_not_quoted),
        cmocka_unit_test(bounded),
        cmocka_unit_test(strange_bytes_are_not_printed),
        cmocka_unit_test(secret_files),
    };
    return cmocka_run_group_tests_name("config check", tests, NULL, NULL);
}
