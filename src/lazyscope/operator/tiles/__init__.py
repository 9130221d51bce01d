"""Where does a kernel of more points than memory live: in tiles that are kept, stored or computed again."""
