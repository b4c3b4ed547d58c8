/* Playlists as text, and the names in them read back. */
#include "../cmocka_all.h"

#include <string.h>

#include "base/cleanup.h"
#include "footage/playlist.h"

static void a_master_names_the_variant(void **state)
{
    AUTO_STR struct str text = {0};
    struct hls_stream stream = {.codecs = "avc1.640028,mp4a.40.2",
                                .width = 1280,
                                .height = 720,
                                .fps = 20,
                                .bits_per_second = 2000000,
                                .has_video = true,
                                .has_audio = true};
    playlist_master(&stream, "authSig=a%20b&x=1", &text);
    assert_string_equal(str_text(&text),
                        "#EXTM3U\n#EXT-X-VERSION:6\n"
                        "#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=2000000,RESOLUTION=1280x720,"
                        "FRAME-RATE=20.000,CODECS=\"avc1.640028,mp4a.40.2\"\n"
                        "index-v1-a1.m3u8?authSig=a%20b&x=1\n");
}

static void segments_lie_end_to_end(void **state)
{
    AUTO_STR struct str text = {0};
    const struct playlist_segment segments[] = {
        {1700000000.25, 10, false},
        {1700000010.25, 10.5, false},
        {1700000100, 0.1, false}, /* after a hole */
        {1700000100.1, 9, true},  /* other parameters */
    };
    playlist_media(segments, 4, false, "", &text);
    assert_string_equal(
        str_text(&text),
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:11\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MAP:URI=\"init-1700000000250-v1.mp4\"\n"
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.250Z\n"
        "#EXTINF:10.000000,\nseg-1700000000250-0-v1.m4s\n"
        "#EXTINF:10.500000,\nseg-1700000010250-900000-v1.m4s\n"
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:15:00.000Z\n"
        "#EXTINF:0.100000,\nseg-1700000100000-1845000-v1.m4s\n"
        "#EXT-X-DISCONTINUITY\n"
        "#EXT-X-MAP:URI=\"init-1700000100100-v1.mp4\"\n"
        "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:15:00.100Z\n"
        "#EXTINF:9.000000,\nseg-1700000100100-1854000-v1.m4s\n"
        "#EXT-X-ENDLIST\n");
}

static void names_are_read_back(void **state)
{
    static const struct {
        const char *name;
        enum playlist_file file;
        int64_t start_ms;
        uint64_t base;
    } good[] = {
        {"master.m3u8", PLAYLIST_MASTER, 0, 0},
        {"index.m3u8", PLAYLIST_MEDIA, 0, 0},
        {"index-v1.m3u8", PLAYLIST_MEDIA, 0, 0},
        {"index-v1-a1.m3u8", PLAYLIST_MEDIA, 0, 0},
        {"init-1700000000250-v1.mp4", PLAYLIST_INIT, 1700000000250, 0},
        {"init-5-v1-a1.mp4", PLAYLIST_INIT, 5, 0},
        {"seg-1700000000250-900000-v1.m4s", PLAYLIST_SEGMENT, 1700000000250, 900000},
        {"seg-0-0-v1-a1.m4s", PLAYLIST_SEGMENT, 0, 0},
    };
    struct playlist_name parsed;
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(playlist_parse(good[i].name, &parsed));
        assert_int_equal(parsed.file, good[i].file);
        assert_int_equal(parsed.start_ms, good[i].start_ms);
        assert_int_equal(parsed.base, good[i].base);
    }
    static const char *const bad[] = {
        "",
        "master.m3u",
        "index-v2.m3u8",
        "index-v1-a1.m3u8x",
        "init--v1.mp4",
        "init-5.mp4",
        "init-5-v1.m4s",
        "seg-5-v1.m4s",
        "seg-5-6-v1.mp4",
        "seg-x-6-v1.m4s",
        "seg-5-6-a1.m4s",
        "seg-9999999999999999999-0-v1.m4s",
        "seg-1--1-v1.m4s",
        "../master.m3u8",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (playlist_parse(bad[i], &parsed)) {
            fail_msg("'%s' was taken", bad[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_master_names_the_variant),
        cmocka_unit_test(segments_lie_end_to_end),
        cmocka_unit_test(names_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
