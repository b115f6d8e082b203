"""Each contract, held against every member of its family. A new member is one more parameter of its suite."""
