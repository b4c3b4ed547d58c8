/* A data folder, a configuration, a scoreboard, rings and the messages of workers that do not
 * exist. */
#ifndef CORVETTE_TESTS_SERVER_FIXTURE_H
#define CORVETTE_TESTS_SERVER_FIXTURE_H

#include "base/loop.h"
#include "base/str.h"
#include "config/config.h"
#include "ipc/channel.h"
#include "ring/board.h"
#include "ring/frames.h"
#include "server/server.h"
#include "store/store.h"

/* Two cameras of 640 x 360: "yard" records and takes snapshots, "door" as `extra` says. */
struct fixture {
    char data_dir[64];
    struct config *config;
    struct loop *loop;
    struct board *board;
    struct server *server; /* fixture_serve() */
};

/* `more` is put after the cameras' and before the end of the YAML; may be "". `yard` is put into
 * the camera yard, indented by four. */
void fixture_init(struct fixture *fixture, const char *yard, const char *more);
/* Removes the data folder too. */
void fixture_finish(struct fixture *fixture);

void fixture_serve(struct fixture *fixture);
/* Clean stop and destruction. */
void fixture_stop(struct fixture *fixture);
/* As kill -9 would: nothing is written any more. */
void fixture_crash(struct fixture *fixture);

/* Runs the loop until `condition` holds (true) or ten seconds are over (false). */
typedef bool (*fixture_condition)(void *context);
bool fixture_wait(struct fixture *fixture, fixture_condition condition, void *context);
/* Runs the loop for a moment, then waits for the database to have everything. */
void fixture_settle(struct fixture *fixture);

/* First column of the first row as text, "" when there is none or it is NULL. Static memory. */
const char *fixture_query(struct fixture *fixture, const char *sql);

/* Messages as the wire would bring them (encoded and decoded once). */
struct msg_object fixture_object(const char *id, const char *label, double start_time);
void fixture_send_frame(struct fixture *fixture, const char *camera, double time,
                        const struct msg_object *objects, size_t count, size_t motion_boxes);
/* A picture of one grey with a square of another where the object is; returns what server_message
 * left of the descriptor (-1 = taken). */
int fixture_send_best(struct fixture *fixture, const char *camera, const char *id,
                      uint32_t revision, double time, uint8_t luma);
void fixture_send(struct fixture *fixture, enum board_role role, const char *camera,
                  enum msg_type type, const void *value, int fd);

/* Width x height I420 of one colour in a new sealed memfd. */
int fixture_picture_fd(int width, int height, uint8_t y, uint8_t u, uint8_t v);

/* A ring with one picture of one colour in it, given as the supervisor would. */
void fixture_give_ring(struct fixture *fixture, const char *camera, uint8_t y, uint8_t u, uint8_t v,
                       double time);
void fixture_write_frame(struct frames *ring, uint8_t y, uint8_t u, uint8_t v, double time);

bool fixture_file_exists(struct fixture *fixture, const char *relative);

#define FIXTURE_WIDTH 640
#define FIXTURE_HEIGHT 360

#endif
