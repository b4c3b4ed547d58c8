/* Clients compare the part before the dash with Frigate's versions. */
#ifndef CORVETTE_VERSION_H
#define CORVETTE_VERSION_H

#define CORVETTE_VERSION "0.1.0"
#define CORVETTE_API_VERSION "0.14.1-corvette." CORVETTE_VERSION

#endif
