"""What is the tangent kernel of a module, exactly, without its Jacobian?"""
