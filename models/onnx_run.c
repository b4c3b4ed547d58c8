/*
 * Runs demo.onnx with ONNX Runtime, one thread, the way the product does: float32 pictures
 * (3 x 320 x 320) on standard input, raw outputs on standard output, times on standard error.
 * evaluate.py drives it, so that what is measured is the file that ships.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <onnxruntime_c_api.h>

enum { INPUT_FLOATS = 3 * 320 * 320, ANCHORS = 40 * 40 + 20 * 20 + 10 * 10, ROWS = 4 + 4 };
enum { OUTPUT_FLOATS = ROWS * ANCHORS, TIMES_MAX = 100000 };

static const OrtApi *ort;

static void must(OrtStatus *status)
{
    if (status != NULL) {
        fprintf(stderr, "onnx_run: %s\n", ort->GetErrorMessage(status));
        exit(EXIT_FAILURE);
    }
}

static OrtSession *open_session(OrtEnv *env, const char *path)
{
    OrtSessionOptions *options;
    OrtSession *session;
    must(ort->CreateSessionOptions(&options));
    must(ort->SetIntraOpNumThreads(options, 1));
    must(ort->SetInterOpNumThreads(options, 1));
    must(ort->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL));
    must(ort->CreateSession(env, path, options, &session));
    ort->ReleaseSessionOptions(options);
    return session;
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int compare_doubles(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Runs the pictures one by one; returns how many there were and their times. */
static int run_all(OrtSession *session, float *input, double *times_ms)
{
    static const int64_t shape[4] = {1, 3, 320, 320};
    static const char *const inputs[] = {"images"}, *const outputs[] = {"output0"};
    OrtMemoryInfo *memory;
    OrtValue *tensor;
    must(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    must(ort->CreateTensorWithDataAsOrtValue(memory, input, INPUT_FLOATS * sizeof *input, shape, 4,
                                             ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &tensor));
    int count = 0;
    while (count < TIMES_MAX && fread(input, sizeof *input, INPUT_FLOATS, stdin) == INPUT_FLOATS) {
        OrtValue *result = NULL;
        const double start_ms = now_ms();
        must(ort->Run(session, NULL, inputs, (const OrtValue *const *)&tensor, 1, outputs, 1,
                      &result));
        times_ms[count++] = now_ms() - start_ms;
        float *values;
        must(ort->GetTensorMutableData(result, (void **)&values));
        fwrite(values, sizeof *values, OUTPUT_FLOATS, stdout);
        fflush(stdout);
        ort->ReleaseValue(result);
    }
    ort->ReleaseValue(tensor);
    ort->ReleaseMemoryInfo(memory);
    return count;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: onnx_run MODEL.onnx <pictures >outputs\n", stderr);
        return EXIT_FAILURE;
    }
    ort = OrtGetApiBase()->GetApi(21);
    float *input = malloc(INPUT_FLOATS * sizeof *input);
    double *times_ms = malloc(TIMES_MAX * sizeof *times_ms);
    if (ort == NULL || input == NULL || times_ms == NULL) {
        fputs("onnx_run: ONNX Runtime 1.21 or later is needed\n", stderr);
        return EXIT_FAILURE;
    }
    OrtEnv *env;
    must(ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "onnx_run", &env));
    OrtSession *session = open_session(env, argv[1]);
    const int count = run_all(session, input, times_ms);
    qsort(times_ms, (size_t)count, sizeof *times_ms, compare_doubles);
    if (count > 0) {
        fprintf(stderr, "%d pictures, median %.2f ms, 95%% below %.2f ms\n", count,
                times_ms[count / 2], times_ms[count * 95 / 100]);
    }
    ort->ReleaseSession(session);
    ort->ReleaseEnv(env);
    free(times_ms);
    free(input);
    return EXIT_SUCCESS;
}
