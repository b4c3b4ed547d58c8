#include "http/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/jout.h"
#include "base/log.h"
#include "base/mem.h"
#include "footage/place.h"
#include "http/api.h"
#include "http/http_private.h"
#include "media/rope.h"

#define SMALL_FILE_MAX (64u << 20)

static const char *const tree_names[FILES_TREES] = {
    [FILES_CLIPS] = "clips", [FILES_RECORDINGS] = "recordings", [FILES_EXPORTS] = "exports"};

struct files {
    char *data_dir;
};

struct files *files_create(const char *data_dir)
{
    struct files *files = mem_alloc(sizeof *files);
    files->data_dir = mem_strdup(data_dir);
    return files;
}

void files_destroy(struct files *files)
{
    if (files != NULL) {
        free(files->data_dir);
        free(files);
    }
}

static int open_root(struct files *files, enum files_tree tree)
{
    AUTO_STR struct str path = {0};
    str_addf(&path, "%s/media/%s", files->data_dir, tree_names[tree]);
    int fd = open(str_text(&path), O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static bool is_hidden(const char *relative)
{
    return relative[0] == '.' || strstr(relative, "/.") != NULL;
}

int files_open(struct files *files, enum files_tree tree, const char *relative)
{
    if (is_hidden(relative)) {
        return -ENOENT;
    }
    AUTO_STR struct str path = {0};
    str_addf(&path, "%s/%s", tree_names[tree], relative);
    return place_open(files->data_dir, str_text(&path));
}

int files_read(struct files *files, enum files_tree tree, const char *relative, struct str *out)
{
    AUTO_CLOSE int fd = files_open(files, tree, relative);
    return fd < 0 ? fd : str_read_fd(out, fd, SMALL_FILE_MAX);
}

int files_remove(struct files *files, enum files_tree tree, const char *name)
{
    if (*name == '\0' || is_hidden(name) || strchr(name, '/') != NULL) {
        return -EINVAL;
    }
    AUTO_CLOSE int root = open_root(files, tree);
    if (root < 0) {
        return root;
    }
    return unlinkat(root, name, 0) == 0 ? 0 : -errno;
}

const char *files_type(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".mp4", "video/mp4"},
        {".jpg", "image/jpeg"},
        {".png", "image/png"},
        {".webp", "image/webp"},
        {".gif", "image/gif"},
        {".svg", "image/svg+xml"},
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".txt", "text/plain; charset=utf-8"},
        {".m3u8", "application/vnd.apple.mpegurl"},
        {".ts", "video/mp2t"},
        {".woff2", "font/woff2"},
        {".ico", "image/x-icon"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        if (str_ends(name, types[i].end)) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

char *files_span_name(const char *kind, const char *camera, const char *from, const char *to)
{
    char *name = mem_printf("%s_%s_%s-%s.mp4", kind, camera, from, to);
    for (char *c = name; *c != '\0'; c++) {
        bool plain = (*c >= '0' && *c <= '9') || ((*c | 32) >= 'a' && (*c | 32) <= 'z') ||
                     *c == '.' || *c == '-' || *c == '_';
        *c = plain ? *c : '_';
    }
    return name;
}

/* ---- conditions and ranges ---- */

static void http_date(time_t when, char text[static 40])
{
    struct tm parts;
    gmtime_r(&when, &parts);
    strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

static bool read_date(const char *text, time_t *when)
{
    struct tm parts = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    *when = timegm(&parts);
    return end != NULL && *end == '\0';
}

/* Whether the client's copy is still right. */
static bool unchanged(struct request *request, const char *etag, const char *modified)
{
    const char *tags = request_header(request, "If-None-Match");
    if (tags != NULL) {
        return strcmp(tags, "*") == 0 || strstr(tags, etag) != NULL;
    }
    const char *since = request_header(request, "If-Modified-Since");
    time_t copied, changed;
    return since != NULL && modified != NULL && read_date(since, &copied) &&
           read_date(modified, &changed) && copied >= changed;
}

static const char *read_u64(const char *p, uint64_t *value)
{
    if (*p < '0' || *p > '9') {
        return NULL;
    }
    for (*value = 0; *p >= '0' && *p <= '9'; p++) {
        if (*value > UINT64_MAX / 10 - 10) {
            return NULL;
        }
        *value = *value * 10 + (uint64_t)(*p - '0');
    }
    return p;
}

enum range { RANGE_NONE = 1, RANGE_OK, RANGE_OUTSIDE };

/* One range of "bytes=a-b", "a-" or "-n". Several, or none that is understood: the whole file. */
static enum range parse_range(const char *text, uint64_t size, uint64_t *from, uint64_t *length)
{
    if (text == NULL || strncmp(text, "bytes=", 6) != 0 || strchr(text, ',') != NULL) {
        return RANGE_NONE;
    }
    const char *p = text + 6;
    uint64_t to = size > 0 ? size - 1 : 0, last;
    if (*p == '-') {
        uint64_t count;
        p = read_u64(p + 1, &count);
        if (p == NULL || *p != '\0') {
            return RANGE_NONE;
        }
        if (count == 0 || size == 0) {
            return RANGE_OUTSIDE;
        }
        *from = count < size ? size - count : 0;
    } else {
        p = read_u64(p, from);
        if (p == NULL || *p != '-') {
            return RANGE_NONE;
        }
        if (p[1] != '\0') {
            p = read_u64(p + 1, &last);
            if (p == NULL || *p != '\0' || last < *from) {
                return RANGE_NONE;
            }
            to = last < to ? last : to;
        }
        if (*from >= size) {
            return RANGE_OUTSIDE;
        }
    }
    *length = to - *from + 1;
    return RANGE_OK;
}

/* Headers and the asked-for part of `size` bytes: true when they are to be sent. */
static bool reply_ranged(struct request *request, const char *etag, const char *modified,
                         uint64_t size)
{
    struct reply *reply = &request->reply;
    reply_header(request, "ETag", etag);
    if (modified != NULL) {
        reply_header(request, "Last-Modified", modified);
    }
    reply_header(request, "Accept-Ranges", "bytes");
    reply->no_gzip = true;
    if (unchanged(request, etag, modified)) {
        reply->status = 304;
        return false;
    }
    const char *condition = request_header(request, "If-Range");
    bool same = condition == NULL || strcmp(condition, etag) == 0 ||
                (modified != NULL && strcmp(condition, modified) == 0);
    enum range range =
        same ? parse_range(request_header(request, "Range"), size, &reply->offset, &reply->length)
             : RANGE_NONE;
    AUTO_STR struct str content_range = {0};
    if (range == RANGE_OUTSIDE) {
        str_addf(&content_range, "bytes */%llu", (unsigned long long)size);
        reply_header(request, "Content-Range", str_text(&content_range));
        reply_html(request, 416, "416 Range Not Satisfiable\n");
        return false;
    }
    reply->status = 200;
    if (range == RANGE_NONE) {
        reply->offset = 0;
        reply->length = size;
        return true;
    }
    reply->status = 206;
    str_addf(&content_range, "bytes %llu-%llu/%llu", (unsigned long long)reply->offset,
             (unsigned long long)(reply->offset + reply->length - 1), (unsigned long long)size);
    reply_header(request, "Content-Range", str_text(&content_range));
    return true;
}

void files_reply(struct request *request, int fd, const char *name)
{
    AUTO_CLOSE int file = fd;
    struct stat info;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        reply_not_found(request);
        return;
    }
    AUTO_STR struct str etag = {0};
    char modified[40];
    str_addf(&etag, "\"%llx-%llx-%lx\"", (unsigned long long)info.st_mtim.tv_sec,
             (unsigned long long)info.st_size, info.st_mtim.tv_nsec);
    http_date(info.st_mtim.tv_sec, modified);
    request->reply.type = files_type(name);
    if (reply_ranged(request, str_text(&etag), modified, (uint64_t)info.st_size)) {
        request->reply.fd = steal_fd(&file);
    }
}

void reply_rope(struct request *request, const char *type, struct rope *rope)
{
    AUTO_STR struct str etag = {0};
    str_addf(&etag, "\"%llx-%llx\"", (unsigned long long)rope_hash(rope),
             (unsigned long long)rope_length(rope));
    request->reply.type = type;
    if (reply_ranged(request, str_text(&etag), NULL, rope_length(rope))) {
        request->reply.rope = rope;
    } else {
        rope_destroy(rope);
    }
}

/* ---- folders ---- */

struct entry {
    char *name;
    bool folder;
    int64_t size;
    time_t modified;
};

static int compare_entries(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static size_t read_entries(DIR *folder, struct entry **entries)
{
    size_t count = 0, capacity = 0;
    for (struct dirent *item; (item = readdir(folder)) != NULL;) {
        struct stat info;
        if (item->d_name[0] == '.' || fstatat(dirfd(folder), item->d_name, &info, 0) != 0) {
            continue;
        }
        struct entry *entry = MEM_PUSH(*entries, count, capacity);
        *entry = (struct entry){.name = mem_strdup(item->d_name),
                                .folder = S_ISDIR(info.st_mode),
                                .size = info.st_size,
                                .modified = info.st_mtime};
    }
    if (count > 0) {
        qsort(*entries, count, sizeof **entries, compare_entries);
    }
    return count;
}

static void entries_json(const struct entry *entries, size_t count, struct str *out)
{
    struct jout json = {.out = out};
    jout_begin_array(&json);
    for (size_t i = 0; i < count; i++) {
        char modified[40];
        http_date(entries[i].modified, modified);
        jout_begin_object(&json);
        jout_put_string(&json, "name", entries[i].name);
        jout_put_string(&json, "type", entries[i].folder ? "directory" : "file");
        jout_put_string(&json, "mtime", modified);
        if (!entries[i].folder) {
            jout_put_int(&json, "size", entries[i].size);
        }
        jout_end_object(&json);
    }
    jout_end_array(&json);
}

static void add_html(struct str *out, const char *text)
{
    for (; *text != '\0'; text++) {
        static const char special[] = "&<>\"'";
        if (strchr(special, *text) != NULL) {
            str_addf(out, "&#%d;", *text);
        } else {
            str_add_char(out, *text);
        }
    }
}

static void entries_html(const struct entry *entries, size_t count, struct str *out)
{
    str_add(out, "<!doctype html>\n<html lang=en>\n<title>Index</title>\n<ul>\n");
    for (size_t i = 0; i < count; i++) {
        const char *slash = entries[i].folder ? "/" : "";
        str_add(out, "<li><a href=\"./");
        for (const char *p = entries[i].name; *p != '\0'; p++) {
            /* Everything but letters and digits as %XX: right in a URL and in an attribute. */
            bool plain = (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') ||
                         *p == '.' || *p == '-' || *p == '_';
            str_addf(out, plain ? "%c" : "%%%02X", (unsigned char)*p);
        }
        str_addf(out, "%s\">", slash);
        add_html(out, entries[i].name);
        str_addf(out, "%s</a></li>\n", slash);
    }
    str_add(out, "</ul>\n");
}

static void reply_folder(struct request *request, int fd, bool as_json)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        reply_not_found(request);
        return;
    }
    struct entry *entries = NULL;
    size_t count = read_entries(folder, &entries);
    closedir(folder);
    AUTO_STR struct str text = {0};
    if (as_json) {
        entries_json(entries, count, &text);
        reply_json(request, 200, &text);
    } else {
        entries_html(entries, count, &text);
        reply_html(request, 200, str_text(&text));
    }
    for (size_t i = 0; i < count; i++) {
        free(entries[i].name);
    }
    free(entries);
}

/* ---- the trees under / ---- */

static void serve(struct request *request, enum files_tree tree)
{
    AUTO_STR struct str relative = {0};
    for (size_t i = 1; i < request->segment_count; i++) {
        str_addf(&relative, "%s%s", i > 1 ? "/" : "", request->segments[i]);
    }
    bool wants_folder = relative.length == 0 || str_ends(str_text(&relative), "/");
    AUTO_CLOSE int fd = files_open(http_files(request->http), tree, str_text(&relative));
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0 || (wants_folder && !S_ISDIR(info.st_mode))) {
        reply_not_found(request);
    } else if (S_ISREG(info.st_mode)) {
        files_reply(request, steal_fd(&fd), str_text(&relative));
        if (tree == FILES_CLIPS) {
            request->reply.cache = "max-age=604800, public";
        }
    } else if (S_ISDIR(info.st_mode) && !str_ends(request->path, "/")) {
        AUTO_STR struct str target = {0};
        str_addf(&target, "%s/", request->path);
        reply_html(request, 301, "");
        reply_header(request, "Location", str_text(&target));
    } else if (S_ISDIR(info.st_mode)) {
        reply_folder(request, steal_fd(&fd), tree != FILES_CLIPS);
    } else {
        reply_not_found(request);
    }
}

void api_clips(struct request *request)
{
    serve(request, FILES_CLIPS);
}

void api_recording_files(struct request *request)
{
    serve(request, FILES_RECORDINGS);
}

void api_export_files(struct request *request)
{
    serve(request, FILES_EXPORTS);
}
