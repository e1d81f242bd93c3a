"""What is in the memory of another process."""


def _areas(pid):
    with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb') as m:
        for line in maps:
            first, last = (int(x, 16) for x in line.split()[0].split('-'))
            # Not the shadow memory of a sanitizer.
            if last - first > 1 << 30 or line.endswith('[vsyscall]\n'):
                continue
            try:
                m.seek(first)
                yield m.read(last - first)
            except OSError:
                pass


def holds(pid, what):
    """Are the bytes WHAT anywhere in the memory of the process PID?"""
    return any(what in area for area in _areas(pid))
