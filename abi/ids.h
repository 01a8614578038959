/*
 * The names of the table's structs (ABI_S_stat, ...) and of its flag sets and enums (ABI_SET_open,
 * ...), expanded from structs.def and sets.def. 0 is "none" in both.
 */
#ifndef LOCKSTEP_ABI_IDS_H
#define LOCKSTEP_ABI_IDS_H

enum abi_struct_id {
	ABI_S_NONE = 0,
#define STRUCT(id, ctype, size, ...) ABI_S_##id,
#include "abi/structs.def"
	ABI_S_COUNT
};

enum abi_set_id {
	ABI_SET_NONE = 0,
#define SET(id, ...) ABI_SET_##id,
#include "abi/sets.def"
/* The selectors of the union calls are sets as well: their names stand in unions.def. */
#define SELECTOR(id, ...) ABI_SET_##id,
#include "abi/unions.def"
	ABI_SET_COUNT
};

#endif
