"""The built-in job types, one file each. Forbidden: knowledge of any other type or trait."""
