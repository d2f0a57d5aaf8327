"""Which columns of a sparse derivative can share a direction, and where each entry is read then."""
