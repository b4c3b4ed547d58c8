#include "truth.h"

void truth_write(FILE *file, const struct stage *stage, int frame, double time_s)
{
    fprintf(file, "{\"frame\":%d,\"time\":%.4f,\"objects\":[", frame, time_s);
    for (int i = 0; i < stage->sighting_count; i++) {
        const struct sighting *seen = &stage->sightings[i];
        fprintf(file,
                "%s{\"id\":%d,\"label\":\"%s\",\"box\":[%d,%d,%d,%d],\"visible\":%.3f,"
                "\"moving\":%s}",
                i == 0 ? "" : ",", seen->actor->id, actor_label(seen->actor->kind), seen->box.x0,
                seen->box.y0, seen->box.x1, seen->box.y1, seen->visible,
                seen->moving ? "true" : "false");
    }
    fputs("]}\n", file);
}
