/*
 * 128-bit integers, which gcc and clang have on every 64-bit machine.
 */
#ifndef EXAMPLES_INT128_H
#define EXAMPLES_INT128_H

__extension__ typedef __int128 i128;
__extension__ typedef unsigned __int128 u128;

#endif /* !EXAMPLES_INT128_H */
