/* What the server tells of itself in /api/stats, below corvette.server. Pure. */
#ifndef CORVETTE_SERVER_SERVER_REPORT_H
#define CORVETTE_SERVER_SERVER_REPORT_H

#include "base/jout.h"
#include "footage/adopt.h"
#include "footage/keeper.h"
#include "server/events.h"
#include "server/live.h"
#include "server/manual.h"
#include "server/previews.h"
#include "server/recordings.h"
#include "server/review.h"
#include "server/sound.h"
#include "server/timeline.h"
#include "store/store.h"

struct server_report {
    uint64_t messages_refused; /* of the wrong kind or camera */
    struct adopt_state adopt;
    struct store_state store;
    struct events_state events;
    struct live_state live;
    struct manual_state manual;
    struct recordings_state recordings;
    struct review_state review;
    struct timeline_state timeline;
    struct keeper *keeper; /* asked for its own, as the next two */
    struct previews *previews;
    struct sound *sound;
};

/* "key": value pairs into an open object, keys sorted. */
void server_report_json(const struct server_report *report, struct jout *json);

#endif
