"""How does the library live with JAX in somebody else's process: settings, arrays, numbers?"""
