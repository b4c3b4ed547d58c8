/* Sound models from file to scores: written here (what goes in comes out, in rows of 520), and our
 * own. */
#include "../cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "onnx_file.h"
#include "sound/model.h"

#define LABELS 520
#define FRAMES (SOUNDS_CHUNK / LABELS)

static char path[] = "/tmp/corvette-sound-XXXXXX";

static int setup(void **state)
{
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int teardown(void **state)
{
    return unlink(path);
}

static const struct onnx_shape flat = {{SOUNDS_CHUNK}, 1}, row = {{1, SOUNDS_CHUNK}, 2},
                               open_row = {{0, 0}, 2}, frames = {{FRAMES, LABELS}, 2},
                               open_frames = {{0, LABELS}, 2}, unknown = {{0, 0}, 2},
                               batch = {{1, FRAMES, LABELS}, 3};

static void every_layout_gives_the_best_of_the_frames(void **state)
{
    const struct {
        struct onnx_shape input, declared, real;
    } cases[] = {{flat, frames, frames},      {row, frames, frames}, {open_row, frames, frames},
                 {flat, open_frames, frames}, {row, batch, batch},   {flat, unknown, frames}};
    int16_t samples[SOUNDS_CHUNK];
    for (int i = 0; i < SOUNDS_CHUNK; i++) {
        samples[i] = (int16_t)(i / LABELS == i % FRAMES ? 16384 + i % LABELS : -i % LABELS);
    }
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = ERR_NONE;
        onnx_file_write(path, ONNX_F32, cases[i].input, cases[i].declared, cases[i].real);
        struct sound_model *model = sound_model_open(path, LABELS, 2, &err);
        if (model == NULL) {
            fail_msg("case %zu: %s", i, err.text);
        }
        for (int again = 0; again < 2; again++) {
            const float *scores;
            assert_int_equal(sound_model_run(model, samples, &scores, &err), 0);
            for (int label = 0; label < LABELS; label++) {
                float best = -1;
                for (int frame = 0; frame < FRAMES; frame++) {
                    best = fmaxf(best, (float)samples[frame * LABELS + label] / 32768.0F);
                }
                assert_true(scores[label] == best);
            }
        }
        sound_model_close(model);
    }
}

/* Each is refused with a sentence that says what is wrong. */
static void others_are_refused(void **state)
{
    const struct {
        enum onnx_number number;
        struct onnx_shape input, output;
        size_t labels;
        const char *says;
    } cases[] = {
        {ONNX_F32, {{1, 16000}, 2}, {{1, 16000}, 2}, 16000, "input 'images' is float32 [1,16000]"},
        {ONNX_F32, {{2, SOUNDS_CHUNK}, 2}, {{2, SOUNDS_CHUNK}, 2}, SOUNDS_CHUNK, "input"},
        {ONNX_U8, {{SOUNDS_CHUNK}, 1}, {{FRAMES, LABELS}, 2}, LABELS, "not float32"},
        {ONNX_F32, {{1, 3, 260, 20}, 4}, {{FRAMES, LABELS}, 2}, LABELS, "input"},
        {ONNX_F32, {{SOUNDS_CHUNK}, 1}, {{FRAMES, LABELS}, 2}, 521, "521 labels"},
        {ONNX_F32, {{SOUNDS_CHUNK}, 1}, {{1, 1, FRAMES, LABELS}, 4}, LABELS, "520 labels"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = ERR_NONE;
        onnx_file_write(path, cases[i].number, cases[i].input, cases[i].output, cases[i].output);
        assert_null(sound_model_open(path, cases[i].labels, 1, &err));
        if (strstr(err.text, cases[i].says) == NULL || strstr(err.text, path) == NULL) {
            fail_msg("case %zu: %s", i, err.text);
        }
    }
    struct err err = ERR_NONE;
    assert_null(sound_model_open("/nowhere/yamnet.onnx", LABELS, 1, &err));
    assert_non_null(strstr(err.text, "/nowhere/yamnet.onnx"));
    assert_null(sound_model_open(SOUND_TEST_MODELS "/README.md", LABELS, 1, &err));
    sound_model_close(NULL);
}

static void our_own_tells_an_alarm_from_hiss(void **state)
{
    enum { SPEECH, BARK, FIRE_ALARM };
    struct err err = ERR_NONE;
    int16_t samples[SOUNDS_CHUNK];
    const float *scores;
    struct sound_model *model = sound_model_open(SOUND_TEST_MODELS "/sound.onnx", 3, 1, &err);
    if (model == NULL) {
        fail_msg("%s", err.text);
    }
    uint32_t random = 1;
    for (int i = 0; i < SOUNDS_CHUNK; i++) {
        random = random * 1664525 + 1013904223;
        samples[i] = (int16_t)((int32_t)random >> 20);
    }
    assert_int_equal(sound_model_run(model, samples, &scores, &err), 0);
    assert_true(scores[SPEECH] < 0.5F && scores[BARK] < 0.5F && scores[FIRE_ALARM] < 0.5F);
    for (int i = 0; i < SOUNDS_CHUNK; i++) { /* pulses of half a second */
        double gate = i < SOUNDS_RATE / 2 ? 8000 : 0;
        samples[i] = (int16_t)(samples[i] / 50 + lround(gate * sin(i * 2 * M_PI * 3100 / 16000)));
    }
    assert_int_equal(sound_model_run(model, samples, &scores, &err), 0);
    assert_true(scores[SPEECH] < 0.5F && scores[BARK] < 0.5F && scores[FIRE_ALARM] > 0.8F);
    sound_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_gives_the_best_of_the_frames),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(our_own_tells_an_alarm_from_hiss),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
