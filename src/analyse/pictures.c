#include "analyse/pictures.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/mem.h"

#define KEPT_MAX (2 * TRACKER_MAX)

struct shot {
    int memfd;
    size_t bytes;
    uint32_t width, height;
    double time;
    unsigned users;
    struct shot *next;
};

struct kept {
    uint64_t serial; /* of the object */
    char id[40];
    uint32_t revision;
    bool delivered;
    struct shot *shot;
};

struct pictures {
    size_t max_bytes, bytes;
    struct shot *shots;
    struct kept kept[KEPT_MAX];
    size_t count;
};

struct pictures *pictures_create(size_t max_bytes)
{
    struct pictures *pictures = mem_alloc(sizeof *pictures);
    pictures->max_bytes = max_bytes;
    return pictures;
}

static void free_unused(struct pictures *pictures)
{
    for (struct shot **link = &pictures->shots; *link != NULL;) {
        struct shot *shot = *link;
        if (shot->users > 0) {
            link = &shot->next;
            continue;
        }
        *link = shot->next;
        pictures->bytes -= shot->bytes;
        close(shot->memfd);
        free(shot);
    }
}

static void drop_kept(struct pictures *pictures, size_t index)
{
    pictures->kept[index].shot->users--;
    pictures->kept[index] = pictures->kept[--pictures->count];
}

void pictures_destroy(struct pictures *pictures)
{
    if (pictures == NULL) {
        return;
    }
    while (pictures->count > 0) {
        drop_kept(pictures, pictures->count - 1);
    }
    free_unused(pictures);
    free(pictures);
}

/* All its users have it delivered: a receiver holds it. */
static bool is_delivered(const struct pictures *pictures, const struct shot *shot)
{
    for (size_t i = 0; i < pictures->count; i++) {
        if (pictures->kept[i].shot == shot && !pictures->kept[i].delivered) {
            return false;
        }
    }
    return true;
}

static bool evict_oldest(struct pictures *pictures)
{
    const struct shot *oldest = NULL;
    for (const struct shot *shot = pictures->shots; shot != NULL; shot = shot->next) {
        if ((oldest == NULL || shot->time < oldest->time) && is_delivered(pictures, shot)) {
            oldest = shot;
        }
    }
    if (oldest == NULL) {
        return false;
    }
    for (size_t i = pictures->count; i > 0; i--) {
        if (pictures->kept[i - 1].shot == oldest) {
            drop_kept(pictures, i - 1);
        }
    }
    free_unused(pictures);
    return true;
}

static bool make_room(struct pictures *pictures, size_t bytes)
{
    if (bytes > pictures->max_bytes) {
        return false;
    }
    while (pictures->bytes + bytes > pictures->max_bytes) {
        if (!evict_oldest(pictures)) {
            return false;
        }
    }
    return true;
}

struct shot *pictures_shoot(struct pictures *pictures, const uint8_t *picture,
                            const struct frame_info *info, bool (*valid)(void *context),
                            void *context)
{
    size_t bytes = frames_picture_bytes((int)info->width, (int)info->height);
    if (!make_room(pictures, bytes)) {
        return NULL;
    }
    AUTO_CLOSE int fd = file_memfd("corvette-best", bytes);
    if (fd < 0 || file_write_all(fd, picture, bytes) < 0 || !valid(context)) {
        return NULL;
    }
    struct shot *shot = mem_alloc(sizeof *shot);
    *shot = (struct shot){
        .memfd = steal_fd(&fd),
        .bytes = bytes,
        .width = info->width,
        .height = info->height,
        .time = info->time,
        .next = pictures->shots,
    };
    pictures->shots = shot;
    pictures->bytes += bytes;
    return shot;
}

static struct kept *find(struct pictures *pictures, uint64_t serial)
{
    for (size_t i = 0; i < pictures->count; i++) {
        if (pictures->kept[i].serial == serial) {
            return &pictures->kept[i];
        }
    }
    return NULL;
}

void pictures_keep(struct pictures *pictures, const struct object *object, struct shot *shot)
{
    struct kept *kept = find(pictures, object->serial);
    if (kept != NULL) {
        kept->shot->users--;
    } else if (pictures->count < KEPT_MAX) {
        kept = &pictures->kept[pictures->count++];
    } else {
        return;
    }
    *kept =
        (struct kept){.serial = object->serial, .revision = object->best.revision, .shot = shot};
    memcpy(kept->id, object->id, sizeof kept->id);
    shot->users++;
}

static bool exists(struct objects *objects, uint64_t serial)
{
    for (struct object *o = objects_next(objects, NULL); o != NULL; o = objects_next(objects, o)) {
        if (o->serial == serial) {
            return true;
        }
    }
    return false;
}

void pictures_sync(struct pictures *pictures, struct objects *objects)
{
    for (size_t i = pictures->count; i > 0; i--) {
        if (!exists(objects, pictures->kept[i - 1].serial)) {
            drop_kept(pictures, i - 1);
        }
    }
    free_unused(pictures);
}

int pictures_deliver(struct pictures *pictures, picture_send_fn send, void *context)
{
    for (size_t i = 0; i < pictures->count; i++) {
        struct kept *kept = &pictures->kept[i];
        if (kept->delivered) {
            continue;
        }
        struct picture_parcel parcel = {
            .id = kept->id,
            .revision = kept->revision,
            .width = kept->shot->width,
            .height = kept->shot->height,
            .time = kept->shot->time,
            .memfd = kept->shot->memfd,
        };
        int result = send(context, &parcel);
        if (result != 0) {
            return result;
        }
        kept->delivered = true;
    }
    return 0;
}

void pictures_start_over(struct pictures *pictures, struct objects *objects)
{
    for (size_t i = 0; i < pictures->count; i++) {
        pictures->kept[i].delivered = false;
    }
    for (struct object *o = objects_next(objects, NULL); o != NULL; o = objects_next(objects, o)) {
        if (o->end_time == 0 && o->best.revision > 0 && find(pictures, o->serial) == NULL) {
            object_lose_best(o);
        }
    }
}

size_t pictures_bytes(const struct pictures *pictures)
{
    return pictures->bytes;
}
