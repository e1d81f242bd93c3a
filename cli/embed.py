"""Write a file as the numbers of a C array: embed.py INPUT OUTPUT."""

import sys

with open(sys.argv[1], 'rb') as f:
    data = f.read()
with open(sys.argv[2], 'w', encoding='ascii') as f:
    for i in range(0, len(data), 16):
        f.write(', '.join(str(b) for b in data[i:i + 16]))
        f.write(',\n' if i + 16 < len(data) else '\n')
