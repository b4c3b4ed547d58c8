#include "server/volumes.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "base/scan.h"

#define MOUNTINFO "/proc/self/mountinfo"
#define MOUNTINFO_MAX (4u << 20)
#define MIB (1 << 20)

/* mountinfo writes blanks and backslashes as \\ooo. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; to++) {
        if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
            *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

static bool is_under(const char *path, const char *mount)
{
    size_t length = strlen(mount);
    return strcmp(mount, "/") == 0 ||
           (strncmp(path, mount, length) == 0 && (path[length] == '/' || path[length] == '\0'));
}

/* id parent major:minor root MOUNT options... - TYPE source options (proc(5)). */
static bool parse_mount(const char *line, char mount[static PATH_MAX], char *type, size_t size)
{
    char word[PATH_MAX];
    for (int i = 0; i < 4; i++) {
        if (!scan_word(&line, word, sizeof word)) {
            return false;
        }
    }
    if (!scan_word(&line, mount, PATH_MAX)) {
        return false;
    }
    unescape(mount);
    while (scan_word(&line, word, sizeof word)) {
        if (strcmp(word, "-") == 0) {
            return scan_word(&line, type, size);
        }
    }
    return false;
}

void volumes_type(const char *path, const char *mountinfo, char *type, size_t size)
{
    size_t best = 0;
    type[0] = '\0';
    for (const char *line = mountinfo; line != NULL && *line != '\0';) {
        char mount[PATH_MAX];
        char kind[64];
        /* Of equally long ones the later covers the earlier. */
        if (parse_mount(line, mount, kind, sizeof kind) && is_under(path, mount) &&
            strlen(mount) >= best) {
            best = strlen(mount);
            snprintf(type, size, "%s", kind);
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
}

static void put_mib(struct jout *json, const char *key, double bytes)
{
    jout_key(json, key);
    jout_fixed(json, bytes / MIB, 1);
}

static void put_volume(struct jout *json, const char *key, const char *path, const char *mountinfo)
{
    struct statvfs volume;
    jout_key(json, key);
    jout_begin_object(json);
    if (statvfs(path, &volume) == 0) {
        char real[PATH_MAX];
        char type[64];
        volumes_type(realpath(path, real) != NULL ? real : path, mountinfo, type, sizeof type);
        double block = (double)volume.f_frsize;
        put_mib(json, "free", (double)volume.f_bavail * block);
        jout_put_string(json, "mnt_type", type);
        jout_put_string(json, "mount_type", type);
        put_mib(json, "total", (double)volume.f_blocks * block);
        put_mib(json, "used", (double)(volume.f_blocks - volume.f_bfree) * block);
    }
    jout_end_object(json);
}

void volumes_json(const char *data_dir, struct jout *json)
{
    AUTO_STR struct str mountinfo = {0};
    str_read_file(&mountinfo, MOUNTINFO, MOUNTINFO_MAX);
    static const struct {
        const char *key;
        const char *below; /* the data folder; or an absolute path */
    } places[] = {
        {"/dev/shm", "/dev/shm"},
        {"/media/frigate/clips", "media/clips"},
        {"/media/frigate/recordings", "media/recordings"},
        {"/tmp/cache", "cache"},
    };
    jout_begin_object(json);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s%s%s", places[i].below[0] == '/' ? "" : data_dir,
                 places[i].below[0] == '/' ? "" : "/", places[i].below);
        put_volume(json, places[i].key, path, str_text(&mountinfo));
    }
    jout_end_object(json);
}

void temperatures_json(struct jout *json)
{
    jout_begin_object(json);
    for (unsigned i = 0; i < 8; i++) {
        char path[64];
        char name[16];
        AUTO_STR struct str text = {0};
        int64_t milli;
        snprintf(name, sizeof name, "apex_%u", i);
        snprintf(path, sizeof path, "/sys/class/apex/%s/temp", name);
        if (str_read_file(&text, path, 64) == 0 && scan_numbers(str_text(&text), &milli, 1) == 1) {
            jout_put_double(json, name, (double)milli / 1000.0);
        }
    }
    jout_end_object(json);
}
