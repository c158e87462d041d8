"""What finds, resolves, downloads and installs packages: one module a package manager."""
