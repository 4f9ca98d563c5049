"""Texts that must stay text wherever they are shown, from the usual lists of injections."""

from __future__ import annotations

from gridgen import Grid, Model

ALARM = "alarm()"
"""What each of them would call if it were run."""

HOSTILE = [
    "<script>alarm()</script>",
    "</script><script>alarm()</script>",
    "</script><img src=x onerror=alarm()>",
    "<img src=x onerror=alarm()>",
    "<img src=x:x onerror=alarm()//",
    '<img src="x`<script>alarm()</script>"` `>',
    '"><svg onload=alarm()>',
    "<svg/onload=alarm()>",
    "<svg><script>alarm()</script></svg>",
    "<svg><animate onbegin=alarm() attributeName=x dur=1s>",
    "<svg><a xlink:href='javascript:alarm()'><text x=20 y=20>x</text></a></svg>",
    "<math><mi//xlink:href='data:x,<script>alarm()</script>'>",
    "<body onload=alarm()>",
    "<body onpageshow=alarm()>",
    "<iframe src=javascript:alarm()>",
    "<iframe srcdoc='<script>parent.alarm()</script>'>",
    "<iframe src=http://evil.example/>",
    "<object data=javascript:alarm()>",
    "<embed src=javascript:alarm()>",
    "<video src=x onerror=alarm()>",
    "<video><source onerror=alarm()></video>",
    "<audio src=x onerror=alarm()>",
    "<details open ontoggle=alarm()>",
    "<input autofocus onfocus=alarm()>",
    "<select autofocus onfocus=alarm()>",
    "<textarea autofocus onfocus=alarm()>",
    "<marquee onstart=alarm()>",
    "<form><button formaction=javascript:alarm()>x",
    "<isindex action=javascript:alarm() type=image>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<style>*{display:none}</style>",
    "<style>@import 'http://evil.example/x.css'</style>",
    "<base href=http://evil.example/>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<a href=javascript:alarm()>click</a>",
    "<a href=http://evil.example/x ping=http://evil.example/y>click</a>",
    "<x onclick=alarm() style=position:fixed;inset:0>",
    "<div style=background:url(http://evil.example/x.png)>",
    "<template><script>alarm()</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alarm()>'>",
    "<!--<img src='--><img src=x onerror=alarm()//'>",
    "<![CDATA[<script>alarm()</script>]]>",
    "javascript:alarm()",
    "JaVaScRiPt:alarm()",
    "data:text/html,<script>alarm()</script>",
    "vbscript:alarm()",
    "http://evil.example/clip.mp4",
    "//evil.example/clip.mp4",
    "file:///etc/passwd",
    "../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "' onmouseover='alarm()",
    '" onfocus="alarm()" autofocus="',
    "` onmouseover=`alarm()",
    "';alarm();//",
    '";alarm();//',
    "\\';alarm();//",
    "${alarm()}",
    "{{constructor.constructor('alarm()')()}}",
    "{{7*7}} {%print(1)%} <%= 1 %> #{1} {0} {x.__class__}",
    "%s %n %x %(name)s",
    "$x^2$ $$\\href{javascript:alarm()}{x}$$",
    "[click](javascript:alarm()) ![x](http://evil.example/x.png)",
    "&lt;script&gt;alarm()&lt;/script&gt;",
    "&#x3C;img src=x onerror=alarm()&#x3E;",
    "\\u003cimg src=x onerror=alarm()\\u003e",
    "\u202egnp.exe \u2066 bidi \u2069",
    "\ufeff\u200b\u200d zero width",
    "\u2028alarm()\u2029",
    "\u0301\u0302\u0303\u0304 z\u0351\u036b\u0343a\u0337l\u0300g\u0301o",
    "=cmd|'/c calc'!A1",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "__proto__",
    "constructor",
    "'; DROP TABLE records; --",
    "rows=x&cols=<script>alarm()</script>",
    "a,b:c;d|e=f~g<h>i",
    "A" * 3000,
]


def hostile_grid(axis: str) -> Grid:
    """Return a grid with all of them as prompts, or as names of models."""
    if axis == "prompt":
        return Grid(prompt=HOSTILE)
    models = [Model(text, size=["16:9"], duration=[6], quality=["480p"]) for text in HOSTILE]
    return Grid(prompt="a paper boat", model=models)
