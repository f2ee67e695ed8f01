"""The built-in traits, one file each. Forbidden: knowledge of the job type they patch; they read what it rendered."""
