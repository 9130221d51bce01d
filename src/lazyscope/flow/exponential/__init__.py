"""How does gradient flow take steps as long as the tangent kernel stays put?"""
