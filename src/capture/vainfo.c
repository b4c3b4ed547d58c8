/* The process `corvette: vainfo`: which codecs the graphics card decodes, in the words of the
 * program of that name. Drivers of graphics cards are loaded into it, so it is a process of its
 * own. libva is there wherever libavcodec is; loaded by hand, it is no dependency where it is not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "capture/capture.h"
#include "config/presets.h"

#define NO_DISPLAY 2 /* vainfo's own exit statuses */
#define NO_DRIVER 3
#define COUNT_MAX 1000 /* profiles or entry points: more than any driver has */

/* The part of VA-API 1 that is used; its enumerations are ints. */
struct va {
    void *(*get_display)(int fd);
    int (*initialize)(void *display, int *major, int *minor);
    int (*terminate)(void *display);
    const char *(*vendor)(void *display);
    const char *(*error)(int status);
    int (*max_profiles)(void *display);
    int (*max_entries)(void *display);
    int (*profiles)(void *display, int *list, int *count);
    int (*entries)(void *display, int profile, int *list, int *count);
    const char *(*profile_name)(int profile);
    const char *(*entry_name)(int entry);
};

static bool load(struct va *va)
{
    const struct {
        const char *symbol;
        void *slot;
    } wanted[] = {
        {"vaGetDisplayDRM", &va->get_display},
        {"vaInitialize", &va->initialize},
        {"vaTerminate", &va->terminate},
        {"vaQueryVendorString", &va->vendor},
        {"vaErrorStr", &va->error},
        {"vaMaxNumProfiles", &va->max_profiles},
        {"vaMaxNumEntrypoints", &va->max_entries},
        {"vaQueryConfigProfiles", &va->profiles},
        {"vaQueryConfigEntrypoints", &va->entries},
        {"vaProfileStr", &va->profile_name},
        {"vaEntrypointStr", &va->entry_name},
    };
    void *core = dlopen("libva.so.2", RTLD_NOW | RTLD_GLOBAL);
    void *drm = dlopen("libva-drm.so.2", RTLD_NOW | RTLD_GLOBAL);
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
        void *found = core != NULL ? dlsym(core, wanted[i].symbol) : NULL;
        found = found == NULL && drm != NULL ? dlsym(drm, wanted[i].symbol) : found;
        if (found == NULL) {
            return false;
        }
        memcpy(wanted[i].slot, &found, sizeof found);
    }
    return true;
}

static bool is_count(int count)
{
    return count > 0 && count <= COUNT_MAX;
}

static void print_entries(const struct va *va, void *display, int profile)
{
    int most = va->max_entries(display), count = 0;
    if (!is_count(most)) {
        return;
    }
    AUTO_FREE int *list = mem_array((size_t)most, sizeof *list);
    if (va->entries(display, profile, list, &count) != 0) {
        return;
    }
    for (int i = 0; i < count && i < most; i++) {
        printf("      %-32s:\t%s\n", va->profile_name(profile), va->entry_name(list[i]));
    }
}

static void print_all(const struct va *va, void *display, int major, int minor)
{
    int most = va->max_profiles(display), count = 0;
    const char *vendor = va->vendor(display);
    printf("vainfo: VA-API version: %d.%d\n", major, minor);
    printf("vainfo: Driver version: %s\n", vendor != NULL ? vendor : "<unknown>");
    printf("vainfo: Supported profile and entrypoints\n");
    AUTO_FREE int *list = mem_array(is_count(most) ? (size_t)most : 1, sizeof *list);
    if (!is_count(most) || va->profiles(display, list, &count) != 0) {
        return;
    }
    for (int i = 0; i < count && i < most; i++) {
        print_entries(va, display, list[i]);
    }
}

int capture_vainfo_main(void)
{
    struct va va;
    int major = 0, minor = 0;
    AUTO_FREE char *device = config_gpu_device();
    prctl(PR_SET_NAME, "vainfo");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (*device == '\0') {
        fprintf(stderr, "error: no render node in /dev/dri: there is no graphics card, or it was "
                        "not given to this container\n");
        return NO_DISPLAY;
    }
    if (!load(&va)) {
        fprintf(stderr, "error: libva cannot be loaded: %s\n", dlerror());
        return NO_DISPLAY;
    }
    AUTO_CLOSE int fd = open(device, O_RDWR | O_CLOEXEC);
    void *display = fd >= 0 ? va.get_display(fd) : NULL;
    if (display == NULL) {
        fprintf(stderr, "error: failed to open %s: %s\n", device, err_name(errno));
        return NO_DISPLAY;
    }
    int status = va.initialize(display, &major, &minor);
    if (status != 0) {
        fprintf(stderr, "%s: vaInitialize failed with error code %d (%s)\n", device, status,
                va.error(status));
        return NO_DRIVER;
    }
    print_all(&va, display, major, minor);
    fflush(stdout);
    va.terminate(display);
    return 0;
}
