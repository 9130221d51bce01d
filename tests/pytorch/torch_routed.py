"""Modules that sort, route, merge or pick their examples, each still on its own; and some that mix."""

import torch
from torch import nn
from torch.nn import functional

from pytorch.torch_cases import Function, array

D = 4


def net(outputs):
    return nn.Sequential(nn.Linear(D, 5), nn.Tanh(), nn.Linear(5, outputs))


def experts(k, num_experts):
    def forward(self, x):
        weights, choice = self.router(x).softmax(-1).topk(k, -1)
        out = x.new_zeros(len(x), 2)
        for j, expert in enumerate(self.experts):
            row, slot = (choice == j).nonzero(as_tuple=True)
            if len(row):
                out = out.index_add(0, row, expert(x[row]) * weights[row, slot, None])
        return out

    return Function(
        forward,
        router=nn.Linear(D, num_experts),
        experts=nn.ModuleList(net(2) for _ in range(num_experts)),
    )


def sorted_by_expert(self, x):
    choice = self.router(x).argmax(-1)
    order = choice.argsort(stable=True)
    parts = x[order].split(torch.bincount(choice, minlength=3).tolist())
    y = torch.cat([expert(part) for expert, part in zip(self.experts, parts, strict=True)])
    return torch.zeros_like(y).index_copy(0, order, y)


def masked(self, x):
    on = x[:, 0] > 0
    out = x.new_zeros(len(x), 2)
    out[on] = self.a(x[on])
    out[~on] = self.b(x[~on])
    return out


def task(x):
    return (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


def heads(self, x):
    h = torch.tanh(self.inner(x))
    return torch.bmm(h[:, None], self.w[task(x)].mT)[:, 0] + self.b[task(x)]


def looked_up_once(self, x):
    kinds, where = task(x).unique(return_inverse=True)
    h = torch.tanh(self.inner(x) + self.table(kinds)[where])
    return self.out(h) * functional.one_hot((x[:, 1] > 0).long(), 2)


def equal_rows_reordered(self, x):
    order = x[:, 0].argsort()
    kind = torch.zeros(len(x), dtype=torch.long)
    h = torch.tanh(self.inner(x)[order] + self.table(kind)[order])
    return self.out(h)[order.argsort()]


def in_order_of(order):
    def forward(self, x):
        i = order(x)
        return self.out(torch.tanh(self.inner(x[i])))[i.argsort()]

    return Function(forward, inner=nn.Linear(D, 3), out=nn.Linear(3, 2))


def early_exit(self, x):
    out, active, h = x.new_zeros(len(x), 2), torch.arange(len(x)), x
    for layer, gate, head in zip(self.layers, self.gates, self.heads, strict=True):
        h = torch.tanh(layer(h))
        stop = gate(h)[:, 0] > 0
        out = out.index_put((active[stop],), head(h[stop]))
        active, h = active[~stop], h[~stop]
    return out.index_put((active,), self.last(h))


def packed(self, x):
    lengths = (x[:, 0] > 0).long() + 2
    rows = nn.utils.rnn.pack_padded_sequence(
        x[:, :, None], lengths, batch_first=True, enforce_sorted=False
    )
    rows = rows._replace(data=torch.tanh(self.inner(rows.data)))
    h, _ = nn.utils.rnn.pad_packed_sequence(rows, batch_first=True, total_length=D)
    return self.out(h.flatten(1))


def one_after_another(self, x):
    return torch.stack(
        [one @ self.w + self.b if one[0] > 0 else self.w.T @ one * self.c for one in x]
    )


def linears(number, outputs):
    return nn.ModuleList(nn.Linear(D, outputs) for _ in range(number))


ROUTED = {
    "top_1_experts": lambda: experts(1, 3),
    "top_2_experts": lambda: experts(2, 3),
    "experts_that_nobody_uses": lambda: experts(1, 9),
    "sorted_by_expert": lambda: Function(
        sorted_by_expert, router=nn.Linear(D, 3), experts=nn.ModuleList(net(2) for _ in range(3))),
    "masked": lambda: Function(masked, a=net(2), b=net(2)),
    "where": lambda: Function(
        lambda s, x: torch.where(x[:, :1] > 0, s.a(x), s.b(x)), a=net(2), b=net(2)),
    "heads": lambda: Function(
        heads, inner=nn.Linear(D, 3), w=array(3, 2, 3), b=array(3, 2)),
    "looked_up_once": lambda: Function(
        looked_up_once, inner=nn.Linear(D, 3), table=nn.Embedding(3, 3), out=nn.Linear(3, 2)),
    "equal_rows_reordered": lambda: Function(
        equal_rows_reordered, inner=nn.Linear(D, 3), table=nn.Embedding(2, 3),
        out=nn.Linear(3, 2)),
    "sorted": lambda: in_order_of(lambda x: x[:, 0].argsort()),
    "reversed": lambda: in_order_of(lambda x: torch.arange(len(x)).flip(0)),
    "rolled": lambda: in_order_of(lambda x: torch.arange(len(x)).roll(1)),
    "even_then_odd": lambda: in_order_of(
        lambda x: torch.cat([torch.arange(len(x))[::2], torch.arange(len(x))[1::2]])),
    "sorted_from_five_on": lambda: in_order_of(
        lambda x: x[:, 0].argsort() if len(x) > 4 else torch.arange(len(x))),
    "early_exit": lambda: Function(
        early_exit, layers=linears(3, D), gates=linears(3, 1), heads=linears(3, 2),
        last=nn.Linear(D, 2)),
    "packed": lambda: Function(packed, inner=nn.Linear(1, 3), out=nn.Linear(12, 2)),
    "one_after_another": lambda: Function(
        one_after_another, w=array(D, 2), b=array(2), c=array(1)),
    "in_parts": lambda: Function(
        lambda s, x: torch.cat([s.inner(part) for part in x.split(3)]), inner=net(2)),
    "in_groups": lambda: Function(
        lambda s, x: s.out(torch.tanh(s.inner(x.view(-1, 2, 2))).flatten(1)),
        inner=nn.Linear(2, 3), out=nn.Linear(6, 2)),
    "examples_last": lambda: Function(
        lambda s, x: (s.w @ x.T + s.b).T.sin() @ s.out, w=array(3, D), b=array(3, 1),
        out=array(3, 2)),
    "weights_from_a_constant": lambda: Function(
        lambda s, x: torch.tanh(x @ s.inner(s.code).view(D, 2)) + s.b, inner=nn.Linear(3, 8),
        code=array(3), b=array(2)),
}  # fmt: skip


def capacity(self, x):
    """At most four rows for each of two experts."""
    first = self.router(x)[:, 0] > 0
    place = torch.where(first, first.cumsum(0), (~first).cumsum(0))
    h = torch.where(first[:, None], self.a(x), self.b(x))
    return torch.where(place[:, None] <= 4, h, 0.0)


def far_rows(self, x):
    """Row five sees row zero."""
    h = self.inner(x)
    return torch.cat([h[:5], h[5:6] + h[:1], h[6:]]) if len(x) > 5 else h


MIXING = {
    "capacity": lambda: Function(capacity, router=nn.Linear(D, 2), a=net(2), b=net(2)),
    "far_rows": lambda: Function(far_rows, inner=nn.Linear(D, 2)),
    "rank": lambda: Function(
        lambda s, x: s.inner(x) * (1 + x[:, :1].argsort(0).argsort(0) // 3), inner=nn.Linear(D, 2)),
    "batch_size": lambda: Function(
        lambda s, x: s.inner(x) / max(4, len(x)), inner=nn.Linear(D, 2)),
    "detached_mean": lambda: Function(
        lambda s, x: s.inner(x) * (x[:, :1] > x[:, 0].detach().mean() + 0.5), inner=nn.Linear(D, 2)),
    "pairs_of_equal_kind": lambda: Function(
        lambda s, x: s.inner(x) * (1 + torch.bincount(task(x), minlength=3)[task(x), None] // 3),
        inner=nn.Linear(D, 2)),
}  # fmt: skip


def built(builder, seed):
    """A module in double precision with weights of that seed."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return builder().double()
