#include "footage/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <math.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/scan.h"
#include "base/str.h"

const char *place_relative(const char *canonical)
{
    const char *relative = canonical;
    bool good = scan_text(&relative, PLACE_CANONICAL) && relative[0] != '\0' &&
                relative[0] != '.' && relative[0] != '/' && strstr(relative, "/.") == NULL &&
                strstr(relative, "//") == NULL;
    return good ? relative : NULL;
}

bool place_is_segment(const char *relative, const char *camera)
{
    int ignored;
    const char *at = relative;
    if (!scan_text(&at, "recordings/") || !scan_digits(&at, 4, &ignored) || !scan_text(&at, "-") ||
        !scan_digits(&at, 2, &ignored) || !scan_text(&at, "-") || !scan_digits(&at, 2, &ignored) ||
        !scan_text(&at, "/") || !scan_digits(&at, 2, &ignored) || !scan_text(&at, "/") ||
        !scan_text(&at, camera) || !scan_text(&at, "/")) {
        return false;
    }
    return at[0] != '.' && strchr(at, '/') == NULL && str_ends(at, ".mp4");
}

int place_open(const char *data_dir, const char *relative)
{
    const char *rest = strchrnul(relative, '/');
    AUTO_STR struct str root_path = {0};
    str_addf(&root_path, "%s/media/%.*s", data_dir, (int)(rest - relative), relative);
    /* The root is opened anew each time: it may come to be, or be mounted, while we run. */
    AUTO_CLOSE int root = open(str_text(&root_path), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        return -errno;
    }
    rest += *rest == '/';
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    long fd = syscall(SYS_openat2, root, *rest != '\0' ? rest : ".", &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

double place_mib(uint64_t bytes)
{
    return round((double)bytes / (1 << 20) * 10) / 10;
}
