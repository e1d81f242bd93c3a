"""Write a file as numbers for a C array, with a comma after each:
embed.py INPUT OUTPUT."""

import sys

with open(sys.argv[1], 'rb') as f:
    data = f.read()
with open(sys.argv[2], 'w', encoding='ascii') as f:
    for i in range(0, len(data), 16):
        f.write(', '.join(str(b) for b in data[i:i + 16]) + ',\n')
