/// Style and script of `EpisodePage`.
enum EpisodeStyle {
    static let css = """
        .player { display: flex; align-items: center; gap: 14px; margin: 24px 0 12px; }
        .player button {
          font: inherit; font-weight: 600; min-width: 84px; padding: 7px 16px; color: var(--card); background: var(--accent);
          border: 0; border-radius: 8px; cursor: pointer;
        }
        .player button:focus-visible, .player input:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; }
        .player input { flex: 1; accent-color: var(--accent); }
        .player output { color: var(--soft); min-width: 9em; text-align: right; }
        .network .edges { stroke: var(--base); stroke-opacity: .35; fill: none; }
        .node { fill: var(--series-5); stroke: var(--card); stroke-width: 1; }
        .node.c0 { fill: var(--series-5); }
        .node.c1 { fill: var(--series-4); }
        .node.c2 { fill: var(--base); }
        .node.acts { stroke: var(--ink); stroke-width: 2; }
        .level { fill: none; stroke: var(--local); stroke-width: 2.5; }

        """

    /// Plays, stops and moves; draws nothing that is not in the page.
    static let script = """
        const panels = data.panels.map((panel, index) => {
          const picture = document.getElementById('panel-' + index);
          return { ...panel, share: document.getElementById('share-' + index),
            nodes: picture.querySelectorAll('.node'), levels: picture.querySelectorAll('.level') };
        });
        const scrub = document.getElementById('scrub'), time = document.getElementById('time'), play = document.getElementById('play');
        let timer = null;
        function show(step) {
          for (const panel of panels) {
            let spreading = 0, acting = 0;
            const action = step < panel.a.length ? panel.a[step] : '';
            panel.nodes.forEach((node, place) => {
              const acts = action[place] === '1';
              if (panel.c[step][place] === '1') spreading++;
              if (acts) acting++;
              node.setAttribute('class', 'node c' + panel.c[step][place] + (acts ? ' acts' : ''));
            });
            panel.levels.forEach((ring, place) => {
              const part = data.ring * (panel.l[step].charCodeAt(place) - 48) / data.ramp;
              ring.setAttribute('stroke-dasharray', part.toFixed(1) + ' ' + data.ring.toFixed(1));
            });
            panel.share.textContent = spreading + ' ' + data.word + ', ' + acting + ' act';
          }
          scrub.value = step;
          time.textContent = 'step ' + step + ' of ' + data.steps;
        }
        function stop() { clearInterval(timer); timer = null; play.textContent = 'Play'; }
        play.addEventListener('click', () => {
          if (timer) { stop(); return; }
          if (+scrub.value >= data.steps) show(0);
          play.textContent = 'Pause';
          timer = setInterval(() => {
            if (+scrub.value >= data.steps) stop(); else show(+scrub.value + 1);
          }, 350);
        });
        scrub.addEventListener('input', () => { stop(); show(+scrub.value); });
        show(0);

        """
}
