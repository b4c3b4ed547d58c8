/* What receiving a stream through libavformat costs: its packets read and thrown away.
 *
 *     read_floor URL [OPTION VALUE]...
 *
 * Runs until it is killed; whoever started it reads its CPU time from /proc. */
#include <libavformat/avformat.h>
#include <stdio.h>

int main(int count, char **arguments)
{
    AVFormatContext *format = NULL;
    AVDictionary *options = NULL;
    if (count < 2 || count % 2 != 0) {
        fprintf(stderr, "usage: read_floor URL [OPTION VALUE]...\n");
        return 2;
    }
    for (int i = 2; i < count; i += 2) {
        av_dict_set(&options, arguments[i], arguments[i + 1], 0);
    }
    int result = avformat_open_input(&format, arguments[1], NULL, &options);
    av_dict_free(&options);
    AVPacket *packet = av_packet_alloc();
    while (result >= 0 && packet != NULL) {
        result = av_read_frame(format, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&format);
    fprintf(stderr, "read_floor: the stream ended\n");
    return 1;
}
