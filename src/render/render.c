#include "render/render.h"

int render_main(int argc, char **argv)
{
    return 1;
}
