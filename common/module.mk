lib-common := common/err.c common/buf.c common/json.c common/procmaps.c
