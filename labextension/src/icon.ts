import { LabIcon } from '@jupyterlab/ui-components';

/** A speech bubble with a prompt in it. */
export const autocoderIcon = new LabIcon({
  name: 'jupyter-autocoder:icon',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">' +
    '<path class="jp-icon3" fill="#616161" d="M4 3h16a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2z' +
    'M7 7.4 6 8.6l2.6 2.1L6 12.8l1 1.2 4-3.3zM12 12.4v1.6h6v-1.6z" fill-rule="evenodd"/></svg>'
});

/** A bulb that lights up. */
export const explainIcon = new LabIcon({
  name: 'jupyter-autocoder:explain',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">' +
    '<path class="jp-icon3" fill="#616161" d="M12 2a7 7 0 0 0-4 12.7V17h8v-2.3A7 7 0 0 0 12 2zm0 2a5 5 0 0 1 2.6 9.3l-.6.3V15h-4' +
    'v-1.4l-.6-.3A5 5 0 0 1 12 4zM8 18.5h8V20H8zM10 21h4v1.5h-4z" fill-rule="evenodd"/></svg>'
});
