/*
 * Error codes as text, name and class.
 *
 * All three come from PARLEY_ERR_TABLE, so a code that has one has all.
 */
#include <parley/err.h>

const char *parley_did_err_string(int err)
{
#define ERR_CASE(name, number, class_, text) \
	case PARLEY_ERR_##name:              \
		return text;
	switch (err) {
	case 0:
		return "success";
		PARLEY_ERR_TABLE(ERR_CASE)
	}
#undef ERR_CASE
	return "unknown error";
}

const char *parley_did_err_name(int err)
{
#define ERR_CASE(name, number, class_, text) \
	case PARLEY_ERR_##name:              \
		return "PARLEY_ERR_" #name;
	switch (err) {
	case 0:
		return "PARLEY_OK";
		PARLEY_ERR_TABLE(ERR_CASE)
	}
#undef ERR_CASE
	return "PARLEY_ERR_UNKNOWN";
}

enum parley_err_class parley_did_err_class(int err)
{
#define ERR_CASE(name, number, class_, text) \
	case PARLEY_ERR_##name:              \
		return PARLEY_ERR_CLASS_##class_;
	switch (err) {
		PARLEY_ERR_TABLE(ERR_CASE)
	}
#undef ERR_CASE
	return PARLEY_ERR_CLASS_NONE;
}
