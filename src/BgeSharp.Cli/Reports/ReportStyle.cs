// The style sheet of report.html: light and dark, print, Chinese font fallbacks. Part of the page, so that the file stands alone.

namespace BgeSharp.Cli.Reports;

/// <summary>Style sheet of the report.</summary>
internal static class ReportStyle
{
    /// <summary>CSS.</summary>
    public const string Sheet = """
        :root{color-scheme:light dark;--page:#f7f6f2;--card:#fff;--ink:#1f2328;--soft:#66707a;--line:#e4e2db;--accent:#2459c7;--tint:#dfe8fb;--good:#1a7f4b;--bad:#b3372f;
          --c0:#2459c7;--c1:#d0661b;--c2:#1a7f4b;--c3:#8a3fb0;--c4:#0f8b99;--c5:#b3372f}
        @media screen and (prefers-color-scheme:dark){:root{--page:#14161a;--card:#1c1f25;--ink:#e6e8eb;--soft:#97a1ac;--line:#30353d;--accent:#86aeff;--tint:#24365c;--good:#5fce95;--bad:#ff8d84;
          --c0:#86aeff;--c1:#ffac6b;--c2:#5fce95;--c3:#d19bf0;--c4:#5fd0dc;--c5:#ff8d84}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans SC","Noto Sans CJK SC","PingFang SC","Microsoft YaHei","Source Han Sans SC","WenQuanYi Micro Hei",sans-serif}
        main{max-width:1040px;margin:0 auto;padding:48px 24px 72px}
        h1{font-size:2.1rem;line-height:1.2;letter-spacing:-.02em;margin:0 0 .4rem;text-wrap:balance}
        h2{font-size:1.2rem;letter-spacing:-.01em;margin:3rem 0 .9rem}
        h3{font-size:.95rem;margin:0 0 .5rem}
        p{margin:.3rem 0}
        .soft{color:var(--soft)}.small{font-size:.86rem}
        .facts{display:flex;flex-wrap:wrap;gap:.2rem 1.6rem;color:var(--soft);font-size:.9rem}
        .cards,.charts{display:grid;gap:16px;grid-template-columns:repeat(auto-fit,minmax(min(100%,290px),1fr))}
        .card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px 20px;min-width:0}
        .card .big{font-size:2.5rem;font-weight:650;letter-spacing:-.03em;line-height:1.15;font-variant-numeric:tabular-nums}
        .card .unit{font-size:.95rem;font-weight:400;letter-spacing:0;color:var(--soft)}
        .up{color:var(--good)}.down{color:var(--bad)}
        .scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
        th,td{padding:.5rem .9rem;text-align:left;white-space:nowrap}
        thead th{font-size:.8rem;font-weight:600;color:var(--soft);border-bottom:1px solid var(--line)}
        tbody th[scope=rowgroup]{padding-top:1.1rem;font-size:.95rem}
        tbody+tbody tr:first-child th{border-top:1px solid var(--line)}
        tbody::after{content:"";display:table-row;height:.7rem}
        td.n,th.n{text-align:right}
        td.best{font-weight:700}
        tr.yardstick td{color:var(--soft)}
        td.bar{min-width:13rem;background:linear-gradient(90deg,var(--accent) var(--v),var(--tint) 0) no-repeat .9rem 50%/calc(100% - 5.6rem) .5rem}
        td.slim{min-width:9.5rem}.tight th,.tight td{padding:.45rem .6rem}.bars{max-width:760px}
        .tag{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:0 .55rem;font-size:.78rem;color:var(--soft)}
        .chart{display:block;width:100%;height:auto}
        .chart text{font-size:11px;fill:var(--soft);font-family:inherit;font-variant-numeric:tabular-nums}
        .grid{stroke:var(--line);fill:none}.line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
        .level{fill:none;stroke:currentColor;stroke-width:1.25;stroke-dasharray:4 4;opacity:.75}.dot{fill:currentColor;stroke:var(--card);stroke-width:1.5}
        .barrow{fill:currentColor}.whisker{stroke:var(--ink);stroke-width:1;opacity:.55}.chart text.name{fill:var(--ink)}
        .worst{margin-bottom:12px}.worst summary{display:flex;gap:.8rem;align-items:baseline}.worst summary .v{font-variant-numeric:tabular-nums;color:var(--bad);font-weight:600}.worst summary span{overflow-wrap:anywhere;min-width:0}
        .words{display:flex;flex-wrap:wrap;gap:.25rem;margin:.25rem 0 0;grid-column:2}.words span{background:var(--tint);border-radius:4px;padding:0 .35rem;font-size:.78rem}
        .hits .good{color:var(--good)}.hits .bad{color:var(--soft)}
        ul.notes{margin:.3rem 0 0;padding-left:1.1rem;color:var(--soft);font-size:.86rem}
        td.ci{color:var(--soft);font-size:.86rem}
        .c0{color:var(--c0)}.c1{color:var(--c1)}.c2{color:var(--c2)}.c3{color:var(--c3)}.c4{color:var(--c4)}.c5{color:var(--c5)}
        .legend{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;font-size:.84rem;color:var(--soft);margin-top:.4rem}
        .legend i{display:inline-block;width:14px;height:3px;border-radius:2px;background:currentColor;vertical-align:middle;margin-right:.4rem}
        .legend i.dash{height:0;border-top:2px dashed;background:none}
        .search{margin-bottom:16px}.search h3{font-size:1.05rem}
        .columns{display:grid;gap:20px;grid-template-columns:repeat(auto-fit,minmax(min(100%,280px),1fr))}
        ol.hits{list-style:none;margin:.4rem 0 0;padding:0}
        ol.hits li{display:grid;grid-template-columns:3.6rem 1fr;gap:.1rem .4rem;padding:.5rem 0;border-top:1px solid var(--line)}
        ol.hits .score{font-variant-numeric:tabular-nums;color:var(--accent);font-size:.88rem;padding-top:.1rem}
        ol.hits b{font-weight:600;overflow-wrap:anywhere}
        ol.hits p{grid-column:2;color:var(--soft);font-size:.86rem;margin:0;overflow-wrap:anywhere;display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;overflow:hidden}
        code,pre{font:.86rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Noto Sans Mono CJK SC",monospace}
        pre{margin:0;overflow-x:auto}
        dl.next{margin:0}dl.next dt{overflow-x:auto}dl.next dt code{white-space:nowrap}dl.next dd{margin:0 0 .9rem;color:var(--soft);font-size:.88rem}dl.next dd:last-child{margin-bottom:0}
        details summary{cursor:pointer;font-weight:600}details pre{margin-top:.9rem}
        footer{margin-top:3rem;color:var(--soft);font-size:.84rem}
        @media print{@page{margin:16mm}body{background:#fff;font-size:10.5pt}main{max-width:none;padding:0}.card,.scroll,.search{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible}pre{white-space:pre-wrap}
          *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
        """;
}
