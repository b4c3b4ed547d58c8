#include "detector/backend.h"

#include "base/str.h"

/* Everything but a server runs here; what this build lacks was substituted by the configuration. */
const struct backend *backend_find(const struct cfg_detector *config)
{
    return !config->substituted && str_equal(config->type, "deepstack") ? &deepstack_backend
                                                                        : &model_backend;
}

const char *backend_file(const struct cfg_detector *config)
{
    if (backend_find(config) != &model_backend) {
        return NULL;
    }
    return config->model.path != NULL ? config->model.path : config_demo_model_path();
}
