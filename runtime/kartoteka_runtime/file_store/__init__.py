"""Where the bytes of files lie: a folder, or storage that speaks S3."""
