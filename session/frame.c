/*
 * Frames in memory of our own: header and bytes in one allocation.
 */
#include "session/frame.h"

static void release(struct session_frame *f)
{
	free(f);
}

struct session_frame *session_frame_new(size_t size)
{
	struct session_frame *f = malloc(sizeof(*f) + size);

	if (!f)
		return NULL;
	*f = (struct session_frame){.data = (uint8_t *)(f + 1),
				    .len = size,
				    .release = release,
				    .refs = 1};
	return f;
}
