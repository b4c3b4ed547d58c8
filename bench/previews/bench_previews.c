/* What previews cost, in CPU time: a preview picture on its way from the ring to the disk against
 * bare swscale and libwebp; an hour's film of 3600 pictures, a render process and all, against the
 * ffmpeg command that Frigate runs for it; a GIF and an MP4 of twenty seconds of that hour.
 *
 *     bench_previews VIDEO        e.g. of corvette-scene, 1280x720 */
#include <dirent.h>
#include <ftw.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <webp/encode.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"
#include "footage/preview_plan.h"
#include "ipc/messages.h"
#include "render/render.h"
#include "ring/frames.h"
#include "server/previews.h"
#include "vision/yuv.h"

#define PICTURES 60
#define ROUNDS 5
#define HOUR_PICTURES 3600

static uint8_t *pictures[PICTURES];
static int count, width, height;

static double cpu_ms(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_previews: %s\n", what);
    exit(1);
}

/* ------------------------------------------------------------------ the video */

static void keep(const AVFrame *frame)
{
    width = frame->width;
    height = frame->height;
    uint8_t *picture = mem_alloc(yuv_bytes(width, height));
    struct yuv_canvas canvas = yuv_canvas(picture, width, height);
    struct yuv_view view = {.planes = {frame->data[0], frame->data[1], frame->data[2]},
                            .strides = {frame->linesize[0], frame->linesize[1], frame->linesize[2]},
                            .width = width,
                            .height = height};
    yuv_scale(&view, (struct box){0, 0, width, height}, &canvas);
    pictures[count++] = picture;
}

static void read_video(const char *path)
{
    AVFormatContext *format = NULL;
    if (avformat_open_input(&format, path, NULL, NULL) < 0 ||
        avformat_find_stream_info(format, NULL) < 0) {
        fail("cannot read the video");
    }
    const AVCodec *codec;
    int stream = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
    AVCodecContext *decoder = stream >= 0 ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    if (decoder == NULL ||
        avcodec_parameters_to_context(decoder, format->streams[stream]->codecpar) < 0 ||
        avcodec_open2(decoder, codec, NULL) < 0) {
        fail("no decoder for the video");
    }
    while (count < PICTURES && av_read_frame(format, packet) == 0) {
        if (packet->stream_index == stream && avcodec_send_packet(decoder, packet) == 0) {
            while (count < PICTURES && avcodec_receive_frame(decoder, frame) == 0) {
                keep(frame);
            }
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&decoder);
    avformat_close_input(&format);
    if (count < PICTURES) {
        fail("the video is too short");
    }
}

/* ------------------------------------------------------------------ pictures */

struct bed {
    char folder[64];
    struct config *config;
    struct store *store;
    struct live *live;
    struct previews *previews;
    struct frames *ring;
};

static void make_bed(struct bed *bed)
{
    struct err err = ERR_NONE;
    snprintf(bed->folder, sizeof bed->folder, "/tmp/bench-previews-XXXXXX");
    if (mkdtemp(bed->folder) == NULL) {
        fail("no folder");
    }
    AUTO_FREE char *cache = mem_printf("%s/" PREVIEW_FOLDER, bed->folder);
    AUTO_FREE char *database = mem_printf("%s/x.db", bed->folder);
    AUTO_FREE char *yaml =
        mem_printf("mqtt: {enabled: false}\n"
                   "cameras: {yard: {ffmpeg: {inputs: [{path: /x, roles: [detect]}]}, "
                   "detect: {width: %d, height: %d}}}\n",
                   width, height);
    struct cfg_issues issues = {0};
    bed->config = config_load("bench.yml", yaml, strlen(yaml), &issues);
    config_issues_finish(&issues);
    if (bed->config == NULL) {
        fail("its own configuration is wrong");
    }
    file_make_dirs(cache);
    bed->store = store_open(database, &err);
    bed->live = live_create(bed->config);
    int fd = frames_create("yard", width, height, FRAMES_SLOTS);
    bed->ring = frames_open(fd, true);
    live_set_ring(bed->live, 0, fd);
    bed->previews = previews_create(bed->config, bed->store, bed->live, bed->folder);
}

static long long written(struct bed *bed)
{
    AUTO_STR struct str text = {0};
    struct jout json = {.out = &text};
    previews_report(bed->previews, &json);
    const char *at = strstr(str_text(&text), "\"written\":");
    return at != NULL ? strtoll(at + strlen("\"written\":"), NULL, 10) : 0;
}

/* CPU time so far of the thread that makes the pictures. */
static double maker_ms(void)
{
    DIR *tasks = opendir("/proc/self/task");
    double ms = 0;
    for (const struct dirent *entry; tasks != NULL && (entry = readdir(tasks)) != NULL;) {
        AUTO_FREE char *comm = mem_printf("/proc/self/task/%s/comm", entry->d_name);
        AUTO_FREE char *stat = mem_printf("/proc/self/task/%s/schedstat", entry->d_name);
        AUTO_STR struct str name = {0}, times = {0};
        if (str_read_file(&name, comm, 64) == 0 && strcmp(str_text(&name), "previews\n") == 0 &&
            str_read_file(&times, stat, 256) == 0) {
            ms = (double)strtoll(str_text(&times), NULL, 10) / 1e6;
        }
    }
    closedir(tasks);
    return ms;
}

/* One after the other, as a quiet camera would deliver them. */
static double ours_ms(struct bed *bed)
{
    static double now = 1000;
    const struct timespec pause = {.tv_nsec = 2000000};
    long long before = written(bed);
    double begun = maker_ms();
    for (int i = 0; i < count; i++, now += 31) {
        struct msg_frame frame = {.time = now, .sequence = frames_latest(bed->ring) + 1};
        memcpy(frames_write_begin(bed->ring), pictures[i], yuv_bytes(width, height));
        frames_write_end(bed->ring, now);
        previews_frame(bed->previews, 0, &frame);
        while (written(bed) <= before + i) {
            nanosleep(&pause, NULL);
        }
    }
    return (maker_ms() - begun) / count;
}

static int append(const uint8_t *data, size_t size, const WebPPicture *picture)
{
    str_add_bytes(picture->custom_ptr, data, size);
    return 1;
}

static void encode(const struct yuv_canvas *canvas, int method, struct str *out)
{
    WebPConfig config;
    WebPPicture picture;
    WebPConfigInit(&config);
    WebPPictureInit(&picture);
    config.quality = 80;
    config.method = method;
    picture.width = canvas->width;
    picture.height = canvas->height;
    picture.y = canvas->planes[0];
    picture.u = canvas->planes[1];
    picture.v = canvas->planes[2];
    picture.y_stride = canvas->strides[0];
    picture.uv_stride = canvas->strides[1];
    picture.writer = append;
    picture.custom_ptr = out;
    if (!WebPEncode(&config, &picture)) {
        fail("libwebp fails");
    }
    WebPPictureFree(&picture);
}

/* swscale averaging, then libwebp; nothing else. */
static double floor_ms(int method, size_t *bytes)
{
    int to_width, to_height;
    preview_size(width, height, &to_width, &to_height);
    struct SwsContext *scaler =
        sws_getContext(width, height, AV_PIX_FMT_YUV420P, to_width, to_height, AV_PIX_FMT_YUV420P,
                       SWS_AREA, NULL, NULL, NULL);
    AUTO_FREE uint8_t *small = mem_alloc(yuv_bytes(to_width, to_height) + 64);
    struct yuv_canvas canvas = yuv_canvas(small, to_width, to_height);
    double begun = cpu_ms(RUSAGE_SELF);
    *bytes = 0;
    for (int i = 0; i < count; i++) {
        AUTO_STR struct str webp = {0};
        struct yuv_view view = yuv_view(pictures[i], width, height);
        sws_scale(scaler, view.planes, view.strides, 0, height, canvas.planes, canvas.strides);
        encode(&canvas, method, &webp);
        *bytes += webp.length;
    }
    double ms = (cpu_ms(RUSAGE_SELF) - begun) / count;
    sws_freeContext(scaler);
    *bytes /= (size_t)count;
    return ms;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static void bench_pictures(struct bed *bed)
{
    double ours = INFINITY, bare = INFINITY, slow = INFINITY;
    size_t bytes, slow_bytes;
    for (int i = 0; i < ROUNDS; i++) {
        ours = least(ours, ours_ms(bed));
        bare = least(bare, floor_ms(0, &bytes));
        slow = least(slow, floor_ms(4, &slow_bytes));
    }
    printf("| preview picture of %dx%d, ring to disk | %.2f | %.2f |\n", width, height, ours,
           ours / bare);
    printf("| - floor: swscale and libwebp, method 0: %zu bytes | %.2f | |\n", bytes, bare);
    printf("| - the same with method 4, as Frigate: %zu bytes | %.2f | |\n", slow_bytes, slow);
}

/* ------------------------------------------------------------------ films */

static bool go_on(void *context)
{
    return true;
}

static void lay_hour(struct bed *bed)
{
    struct preview_frames *frames = previews_frames(bed->previews);
    int to_width, to_height;
    preview_size(width, height, &to_width, &to_height);
    AUTO_FREE uint8_t *small = mem_alloc(yuv_bytes(to_width, to_height));
    struct yuv_canvas canvas = yuv_canvas(small, to_width, to_height);
    AUTO_FREE char *list_path = mem_printf("%s/list", bed->folder);
    FILE *list = fopen(list_path, "we");
    for (int i = 0; list != NULL && i < HOUR_PICTURES; i++) {
        AUTO_STR struct str webp = {0}, name = {0};
        struct yuv_view view = yuv_view(pictures[i % count], width, height);
        double time = 4e9 + i; /* far ahead: not taken for a past hour */
        yuv_scale(&view, (struct box){0, 0, width, height}, &canvas);
        encode(&canvas, 0, &webp);
        preview_frames_add(frames, "yard", time, webp.data, webp.length);
        preview_name("yard", time, &name);
        fprintf(list, "file '%s/" PREVIEW_FOLDER "/%s'\nduration 1\n", bed->folder,
                str_text(&name));
    }
    if (list != NULL) {
        fclose(list);
    }
}

static double strip_ms(struct bed *bed, int pictures_shown, int64_t apart_us,
                       enum render_strip_format format, bool hour, size_t *bytes)
{
    AUTO_PLAN struct preview_plan plan = {.camera = "yard"};
    struct preview_making making = {bed->folder, previews_frames(bed->previews), go_on, NULL};
    struct render_strip strip = {.format = format,
                                 .end_us = pictures_shown * apart_us,
                                 .bit_rate = hour ? 9216 : 0,
                                 .background = hour};
    struct err err = ERR_NONE;
    for (int i = 0; i < pictures_shown; i++) {
        preview_plan_still(&plan, 4e9 + i, i * apart_us);
    }
    AUTO_CLOSE int out = memfd_create("film", MFD_CLOEXEC);
    double begun = cpu_ms(RUSAGE_CHILDREN), self = cpu_ms(RUSAGE_SELF);
    if (preview_plan_render(&plan, &making, &strip, out, &err) < 0) {
        fail(err.text);
    }
    *bytes = (size_t)lseek(out, 0, SEEK_END);
    return cpu_ms(RUSAGE_CHILDREN) - begun + cpu_ms(RUSAGE_SELF) - self;
}

/* Frigate 0.14's command for an hour. */
static double ffmpeg_ms(struct bed *bed, size_t *bytes)
{
    AUTO_FREE char *list = mem_printf("%s/list", bed->folder);
    AUTO_FREE char *out = mem_printf("%s/film.mp4", bed->folder);
    const char *const words[] = {
        "ffmpeg",   "-v",      "error",      "-y",         "-threads:v", "1",          "-f",
        "concat",   "-safe",   "0",          "-i",         list,         "-threads:v", "1",
        "-c:v",     "libx264", "-profile:v", "baseline",   "-preset:v",  "ultrafast",  "-g",
        "40",       "-bf",     "0",          "-b:v",       "9216",       "-fps_mode",  "vfr",
        "-pix_fmt", "yuv420p", "-movflags",  "+faststart", out,          NULL};
    char *argv[ARRAY_SIZE(words)];
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        argv[i] = (char *)(uintptr_t)words[i];
    }
    double begun = cpu_ms(RUSAGE_CHILDREN);
    pid_t pid;
    int status = 1;
    struct stat info = {0};
    if (posix_spawnp(&pid, "ffmpeg", NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) < 0 || status != 0 || stat(out, &info) < 0) {
        fail("ffmpeg fails");
    }
    *bytes = (size_t)info.st_size;
    return cpu_ms(RUSAGE_CHILDREN) - begun;
}

static void bench_films(struct bed *bed)
{
    size_t bytes, other;
    double ours = INFINITY, ffmpeg = INFINITY;
    for (int i = 0; i < ROUNDS - 2; i++) {
        ours = least(ours, strip_ms(bed, HOUR_PICTURES, 1000000, RENDER_MP4, true, &bytes));
        ffmpeg = least(ffmpeg, ffmpeg_ms(bed, &other));
    }
    printf("| film of an hour, %d pictures, %zu kB | %.0f | %.2f |\n", HOUR_PICTURES, bytes >> 10,
           ours, ours / ffmpeg);
    printf("| - floor: Frigate's ffmpeg command, %zu kB | %.0f | |\n", other >> 10, ffmpeg);
    for (int gif = 0; gif < 2; gif++) {
        double ms = INFINITY;
        for (int i = 0; i < ROUNDS; i++) {
            ms = least(ms, strip_ms(bed, 20, 120000, gif ? RENDER_GIF : RENDER_MP4, false, &bytes));
        }
        printf("| %s of 20 pictures, %zu kB | %.0f | |\n", gif ? "GIF" : "MP4", bytes >> 10, ms);
    }
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    return remove(path);
}

int main(int argc, char **argv)
{
    struct bed bed = {0};
    if (argc > 1 && strcmp(argv[0], "corvette:") == 0) {
        return render_main(argc, argv); /* a render process is the program itself again */
    }
    if (argc != 2) {
        fail("one argument: a video");
    }
    av_log_set_level(AV_LOG_QUIET);
    read_video(argv[1]);
    make_bed(&bed);
    puts("| what | ms of CPU | / floor |\n|---|---|---|");
    bench_pictures(&bed);
    lay_hour(&bed);
    bench_films(&bed);
    previews_destroy(bed.previews);
    live_destroy(bed.live);
    frames_close(bed.ring);
    store_close(bed.store);
    config_free(bed.config);
    nftw(bed.folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}
