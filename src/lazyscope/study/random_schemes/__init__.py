"""Does the displacement law hold for schemes that nobody chose?"""
