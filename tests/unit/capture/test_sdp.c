#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "capture/sdp.h"

static const char camera[] =
    "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=Media\r\na=control:rtsp://10.0.0.9/all/\r\nt=0 0\r\n"
    "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1; profile-level-id=4D001F;sprop-parameter-sets=\"Z00=,aO4=\" "
    "\r\n"
    "a=fmtp:97 sprop-parameter-sets=other\r\na=control:trackID=0\r\na=framerate:20.000\r\n"
    "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/2\r\na=control:trackID=1\r\n"
    "m=audio 0 RTP/AVP 8\nm=application 0/2 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\n";

static void test_a_camera(void **state)
{
    struct sdp sdp;
    assert_true(sdp_read(&sdp, camera, sizeof camera - 1));
    assert_int_equal(sdp.count, 4);
    assert_string_equal(sdp.control, "rtsp://10.0.0.9/all/");
    assert_int_equal(sdp.media[0].kind, SDP_VIDEO);
    assert_int_equal(sdp.media[0].payload_type, 96);
    assert_string_equal(sdp.media[0].encoding, "H264");
    assert_int_equal(sdp.media[0].clock_rate, 90000);
    assert_string_equal(sdp.media[0].control, "trackID=0");
    assert_float_equal(sdp.media[0].frame_rate, 20, 0.001);
    char AUTO_FREE *sets = sdp_parameter(sdp.media[0].format, "Sprop-Parameter-Sets");
    char AUTO_FREE *mode = sdp_parameter(sdp.media[0].format, "packetization-mode");
    assert_string_equal(sets, "Z00=,aO4=");
    assert_string_equal(mode, "1");
    assert_null(sdp_parameter(sdp.media[0].format, "sprop"));
    assert_int_equal(sdp.media[1].kind, SDP_AUDIO);
    assert_int_equal(sdp.media[1].channels, 2);
    assert_int_equal(sdp.media[1].clock_rate, 16000);
    assert_string_equal(sdp.media[2].encoding, "PCMA"); /* of the static table */
    assert_int_equal(sdp.media[2].clock_rate, 8000);
    assert_int_equal(sdp.media[3].kind, SDP_OTHER);
    sdp_finish(&sdp);
}

static void test_what_is_left_out(void **state)
{
    static const char *const rows[] = {
        "m=video 0 RTP/AVP 200\n",
        "m=video\n",
        "m=video 0 RTP/AVP 96\na=rtpmap:96 H264\n",
        "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/0\n",
        "m=video 0 RTP/AVP 96\na=rtpmap:97 H264/90000\n",
        "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/99999999999\n",
        "m=video 0 RTP/AVP 96\na=rtpmap:96 anameofmorethanthirtytwocharacters/1\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct sdp sdp;
        assert_true(sdp_read(&sdp, rows[i], strlen(rows[i])));
        assert_true(sdp.media[0].kind == SDP_OTHER || sdp.media[0].encoding[0] == '\0');
        sdp_finish(&sdp);
    }
    struct sdp sdp;
    assert_false(sdp_read(&sdp, "a=control:x\nhello", 17));
    assert_string_equal(sdp.control, "x");
    sdp_finish(&sdp);
}

static void test_too_many_streams(void **state)
{
    char text[40 * 64] = "";
    for (int i = 0; i < 40; i++) {
        strcat(text, "m=video 0 RTP/AVP 26\na=control:1\n");
    }
    struct sdp sdp;
    assert_true(sdp_read(&sdp, text, strlen(text)));
    assert_int_equal(sdp.count, SDP_MEDIA_MAX);
    sdp_finish(&sdp);
}

static void test_mangled(void **state)
{
    unsigned seed = 7;
    for (int round = 0; round < 3000; round++) {
        size_t length = sizeof camera - 1;
        char AUTO_FREE *text = mem_dup(camera, length);
        for (int i = 0; i < 1 + round % 20; i++) {
            seed = seed * 1103515245u + 12345u;
            text[(seed >> 8) % length] = (char)(seed >> 4);
        }
        struct sdp sdp;
        sdp_read(&sdp, text, length - (seed >> 9) % 100);
        for (size_t i = 0; i < sdp.count; i++) {
            char AUTO_FREE *sets = sdp_parameter(sdp.media[i].format, "sprop-parameter-sets");
            assert_true(sets == NULL || strlen(sets) < length);
        }
        sdp_finish(&sdp);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_camera),
        cmocka_unit_test(test_what_is_left_out),
        cmocka_unit_test(test_too_many_streams),
        cmocka_unit_test(test_mangled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
