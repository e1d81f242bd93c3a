/*
 * From numbers as text to exact sums, and from sums to figures as text.
 *
 * The variance is (count * squares - sum^2) / (count * m), with m = count or
 * count - 1.  Those products need more than 128 bits, so the values are first
 * shifted, on paper, by q, the whole part of their mean.  With sum = q count +
 * r:
 *
 *   A  =  sum of (v - q)^2  =  squares - count q^2 - 2 q r
 *   variance  =  (A - r^2 / count) / m
 *
 * and everything stays below 2^127, as count <= 2^60 and squares < 2^126, and
 * count q^2 <= squares (Cauchy and Schwarz).
 *
 * Invariant: a number on its way to text is a whole part and a proper fraction
 * num / den with den <= 2^120, so that 10 num never overflows.
 */
#include "examples/figures.h"

#include <string.h>

enum {
	COUNT_BITS = 60, /* more rows than this are refused */
	ROOT_BITS = 90,
};

struct number {
	u128 whole;
	u128 num; /* < den */
	u128 den;
};

/* A 256-bit number. */
struct wide {
	u128 high;
	u128 low;
};

const char *figures_parse(int64_t *vp, const char *text, unsigned decimals)
{
	const char *s = text;
	bool point = false, negative;
	unsigned after = 0;
	u128 v = 0;

	negative = *s == '-';
	if (negative)
		s++;
	if (*s < '0' || *s > '9')
		return *text == '\0' ? "is empty" : "is not a number";
	for (; *s != '\0'; s++) {
		if (*s == '.' && !point && s[1] != '\0') {
			point = true;
			continue;
		}
		if (*s < '0' || *s > '9')
			return "is not a number";
		if (point && ++after > decimals)
			return "has more decimals than agreed";
		v = v * 10 + (u128)(*s - '0');
		if (v > INT64_MAX)
			return "is too large";
	}
	for (; after < decimals; after++) {
		v *= 10;
		if (v > INT64_MAX)
			return "is too large";
	}
	*vp = negative ? -(int64_t)v : (int64_t)v;
	return NULL;
}

static u128 size_of(i128 v)
{
	return v < 0 ? -(u128)v : (u128)v;
}

bool figures_add(struct figures_sums *s, int64_t v, i128 limit)
{
	/* No addition overflows: limit <= 2^126, v^2 <= 2^126. */
	const i128 count = s->count + 1;
	const i128 sum = s->sum + v;
	const i128 squares = s->squares + (i128)v * v;

	if (count > limit || size_of(sum) > (u128)limit || squares > limit)
		return false;
	s->count = count;
	s->sum = sum;
	s->squares = squares;
	return true;
}

/* The digits of ${v}, at least ${n_min}; returns how many. */
static size_t put_digits(char *out, u128 v, size_t n_min)
{
	char reversed[FIGURES_TEXT_SIZE];
	size_t n = 0, i;

	for (; v != 0 || n < n_min; v /= 10)
		reversed[n++] = (char)('0' + (int)(v % 10));
	for (i = 0; i < n; i++)
		out[i] = reversed[n - 1 - i];
	return n;
}

/*
 * (${whole} 10^${n_extra} + ${extra}) 10^-${decimals} as text, where ${extra}
 * is below 10^${n_extra} and ${n_extra} at most ${decimals}.
 */
static void put_decimal(char out[FIGURES_TEXT_SIZE], bool negative, u128 whole,
			u128 extra, size_t n_extra, size_t decimals)
{
	size_t n, n_whole = decimals - n_extra;

	if (negative && (whole != 0 || extra != 0))
		*out++ = '-';
	n = put_digits(out, whole, n_whole + 1);
	n += put_digits(out + n, extra, n_extra);
	if (decimals != 0) {
		memmove(out + n - decimals + 1, out + n - decimals, decimals);
		out[n - decimals] = '.';
		n++;
	}
	out[n] = '\0';
}

/* The first ${n} decimals of the fraction of ${x}, not rounded. */
static u128 fraction(const struct number *x, unsigned n)
{
	u128 rest = x->num, digits = 0;

	while (n-- > 0) {
		rest *= 10;
		digits = digits * 10 + rest / x->den;
		rest %= x->den;
	}
	return digits;
}

static u128 power_of_ten(unsigned n)
{
	u128 r = 1;

	while (n-- > 0)
		r *= 10;
	return r;
}

/* ${x}, in units of 10^-${decimals}, with FIGURES_EXTRA decimals more. */
static void put_number(char out[FIGURES_TEXT_SIZE], bool negative,
		       const struct number *x, unsigned decimals)
{
	const u128 one = power_of_ten(FIGURES_EXTRA);
	u128 extra = (fraction(x, FIGURES_EXTRA + 1) + 5) / 10;
	u128 whole = x->whole + extra / one;

	put_decimal(out, negative, whole, extra % one, FIGURES_EXTRA,
		    decimals + FIGURES_EXTRA);
}

static struct wide multiply(u128 a, u128 b)
{
	const u128 a0 = (uint64_t)a, a1 = a >> 64;
	const u128 b0 = (uint64_t)b, b1 = b >> 64;
	const u128 low = a0 * b0;
	const u128 mid1 = a1 * b0 + (low >> 64);
	const u128 mid2 = a0 * b1 + (uint64_t)mid1;

	return (struct wide){
	    .high = a1 * b1 + (mid1 >> 64) + (mid2 >> 64),
	    .low = mid2 << 64 | (uint64_t)low,
	};
}

static bool at_most(struct wide a, struct wide b)
{
	return a.high != b.high ? a.high < b.high : a.low <= b.low;
}

/* The root of ${x}, in units of 10^-${decimals}, with FIGURES_EXTRA more. */
static void put_root(char out[FIGURES_TEXT_SIZE], const struct number *x,
		     unsigned decimals)
{
	const unsigned n = FIGURES_EXTRA + 1; /* one more, to round by */
	const u128 one = power_of_ten(FIGURES_EXTRA);
	const u128 more = fraction(x, 2 * n);
	struct wide square = multiply(x->whole, power_of_ten(2 * n));
	u128 root = 0, next;
	int bit;

	square.low += more;
	square.high += square.low < more;
	for (bit = ROOT_BITS - 1; bit >= 0; bit--) {
		next = root | (u128)1 << bit;
		if (at_most(multiply(next, next), square))
			root = next;
	}
	root = (root + 5) / 10;
	put_decimal(out, false, root / one, root % one, FIGURES_EXTRA,
		    decimals + FIGURES_EXTRA);
}

/* (${whole} + ${num} / ${count}) / ${m}. */
static struct number divide(u128 whole, u128 num, u128 count, u128 m)
{
	return (struct number){
	    .whole = whole / m,
	    .num = whole % m * count + num,
	    .den = count * m,
	};
}

bool figures_compute(struct figures *f, const struct figures_sums *s,
		     unsigned decimals)
{
	const u128 sum = size_of(s->sum);
	u128 count, squares, q, r, shift, num, whole;
	struct number x;

	if (s->count < 0 || s->count >> COUNT_BITS != 0 || s->squares < 0)
		return false;
	count = (u128)s->count;
	squares = (u128)s->squares;

	memset(f, 0, sizeof(*f));
	put_decimal(f->count, false, count, 0, 0, 0);
	put_decimal(f->sum, s->sum < 0, sum, 0, 0, decimals);
	put_decimal(f->squares, false, squares, 0, 0, 2 * decimals);
	if (count == 0)
		return sum == 0 && squares == 0;

	q = sum / count;
	r = sum % count;
	if (q >> 63 != 0 || q * q > squares / count)
		return false;
	shift = squares - count * q * q; /* A + 2 q r */
	if (shift < 2 * q * r)
		return false;
	shift -= 2 * q * r; /* A */

	/* A - r^2 / count, as a whole part and num / count. */
	whole = r * r / count;
	num = (count - r * r % count) % count;
	whole += num != 0;
	if (shift < whole)
		return false;
	whole = shift - whole;

	x = (struct number){.whole = q, .num = r, .den = count};
	put_number(f->mean, s->sum < 0, &x, decimals);
	x = divide(whole, num, count, count);
	put_number(f->population_variance, false, &x, 2 * decimals);
	put_root(f->population_deviation, &x, decimals);
	if (count == 1)
		return whole == 0;
	x = divide(whole, num, count, count - 1);
	put_number(f->variance, false, &x, 2 * decimals);
	put_root(f->deviation, &x, decimals);
	return true;
}
