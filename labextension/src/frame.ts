/*
 * The sidebar's place in the window. What stands in it, and the chat library it needs, is loaded when it is first shown,
 * so that JupyterLab's start does not wait for it.
 */

import { Panel } from '@lumino/widgets';

import { autocoderIcon } from './icon';
import type { Sidebar, SidebarOptions } from './panel';

export class Frame extends Panel {
  constructor(private readonly _options: SidebarOptions) {
    super();
    this.id = 'jupyter-autocoder:sidebar';
    this.addClass('jp-ac-frame');
    this.title.icon = autocoderIcon;
    this.title.caption = _options.trans.__('Autocoder chat');
  }

  /** The sidebar, loaded if it is not there yet. */
  sidebar(): Promise<Sidebar> {
    this._loading ??= import('./panel').then(({ Sidebar: Made }) => {
      const made = new Made(this._options);
      this._loaded = made;
      this.addWidget(made);
      return made;
    });
    return this._loading;
  }

  set sendWithShiftEnter(value: boolean) {
    this._options.sendWithShiftEnter = value;
    if (this._loaded) {
      this._loaded.sendWithShiftEnter = value;
    }
  }

  protected override onAfterShow(): void {
    void this.sidebar();
  }

  protected override onAfterAttach(): void {
    if (this.isVisible) {
      void this.sidebar();
    }
  }

  private _loading: Promise<Sidebar> | null = null;
  private _loaded: Sidebar | null = null;
}
