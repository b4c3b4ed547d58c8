/* A model's file opened for the CPU, the same way for pictures and sounds. */
#ifndef CORVETTE_ONNX_SESSION_H
#define CORVETTE_ONNX_SESSION_H

#include "onnx/ort.h"

/* So many of the wanted threads as there are cores for this process, at least one. */
int session_threads(int wanted);

/* 0 and `*session` (the caller's to release), or -errno with a sentence. */
int session_open(const struct ort *ort, const char *path, int threads, OrtSession **session,
                 struct err *err);

#endif
